"""From typing `sdcam prompt` to the first changed frame.

The source is a still, which is not painted again unless the look changes: the next painted frame
after the command is the first changed one. Goal: under 150 ms plus the time of one frame.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.service import running
from sdcam import resources


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        still = Path(folder) / "still.png"
        cv2.imwrite(str(still), cv2.VideoCapture(str(resources.demo_clip())).read()[1])
        words = ("--source", f"image:{still}", "--output", "null", "--model", "pocket")
        with running(*words, "--set", "look.transition_seconds=0") as service:
            status = service.until(lambda s: s["frames"]["reused"] > 5)
            frame_ms = sum(status["stages_ms"].values())
            waits = []
            for number in range(options.changes):
                time.sleep(0.5)
                before = service.status()["frames"]["styled"]
                start = time.perf_counter()
                subprocess.Popen(
                    [sys.executable, "-m", "sdcam", "prompt", ("anime", "pencil")[number % 2]],
                    env=service.environment,
                )
                service.until(partial(_styled_more_than, before), poll=0.001)
                waits.append((time.perf_counter() - start) * 1e3)
    p50, p95 = np.percentile(waits, [50, 95])
    print(f"first changed frame after    p50 {p50:.0f} ms, p95 {p95:.0f} ms")
    print(f"of which one frame           {frame_ms:.0f} ms")


def _styled_more_than(frames: int, status: dict[str, Any]) -> bool:
    return bool(status["frames"]["styled"] > frames)


if __name__ == "__main__":
    main()
