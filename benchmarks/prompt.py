"""From typing `sdcam prompt` to the first changed frame.

The source is a still image, which is not styled again unless the look changes: the next styled
frame after the command is the first changed one. Goal: p50 under 80 ms plus the time of one frame.
`--against TREE` takes turns with the command of another checkout; the service is always this one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.service import Service, running
from sdcam import resources
from sdcam.control.client import ask


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=20, help="of each kind")
    parser.add_argument("--against", type=Path, metavar="TREE", help="another checkout")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        still = Path(folder) / "still.png"
        cv2.imwrite(str(still), cv2.VideoCapture(str(resources.demo_clip())).read()[1])
        words = ("--source", f"image:{still}", "--output", "null", "--model", "pocket")
        with running(*words, "--set", "look.transition_seconds=0") as service:
            kinds = {"sdcam prompt": _command(service), "the socket alone": _socket(service)}
            if options.against:
                tree = str(options.against / "daemon")
                kinds[f"sdcam prompt, {options.against.name}"] = _command(service, PYTHONPATH=tree)
            status = service.until(lambda s: s["frames"]["reused"] > 5)
            waits: dict[str, list[float]] = {kind: [] for kind in kinds}
            styles = cycle(("anime", "pencil"))
            for _ in range(options.changes):
                for kind, change in kinds.items():
                    waits[kind].append(_milliseconds(service, partial(change, next(styles))))
    print(f"one frame                          {sum(status['stages_ms'].values()):6.0f} ms")
    for kind, each in waits.items():
        p50, p95 = np.percentile(each, [50, 95])
        print(f"{kind:32}   p50 {p50:4.0f} ms, p95 {p95:4.0f} ms")


def _command(service: Service, **environment: str) -> Callable[[str], None]:
    def change(prompt: str) -> None:
        subprocess.Popen(
            [sys.executable, "-m", "sdcam", "prompt", prompt],
            env={**service.environment, **environment},
            cwd=os.sep,  # not a checkout, whose package would come first
        )

    return change


def _socket(service: Service) -> Callable[[str], None]:
    return lambda prompt: ask(service.socket, "set", values={"look.prompt": prompt})


def _milliseconds(service: Service, change: Callable[[], None]) -> float:
    """From the change to the first frame with it."""
    time.sleep(0.7)  # the processes of the one before have ended
    before = service.status()["frames"]["styled"]
    start = time.perf_counter()
    change()
    service.until(partial(_styled_more_than, before), poll=0.001)
    return (time.perf_counter() - start) * 1e3


def _styled_more_than(frames: int, status: dict[str, Any]) -> bool:
    return bool(status["frames"]["styled"] > frames)


if __name__ == "__main__":
    main()
