"""Memory of all processes together over a long run. Goal: under 700 MB, flat over 10 minutes.

On Linux the figure is the proportional set size: a page that two processes share counts half in
each, so the sum counts it once.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.service import running
from sdcam import resources


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--every", type=float, default=10.0)
    options = parser.parse_args()
    words = ("--source", f"file:{resources.demo_clip()}", "--output", "null", "--model", "pocket")
    samples: list[tuple[float, dict[str, float]]] = []
    with running(*words) as service:
        service.until(lambda s: s["first_picture_after_seconds"] is not None)
        start = time.monotonic()
        while (now := time.monotonic() - start) < options.seconds:
            processes = service.status()["processes"]
            samples.append((now, {name: p["memory_mb"] for name, p in processes.items()}))
            time.sleep(options.every)
    names = list(samples[0][1])
    for name in names:
        values = [mb[name] for _, mb in samples]
        print(
            f"{name:8} first {values[0]:7.1f} MB   last {values[-1]:7.1f}   max {max(values):7.1f}"
        )
    total = np.array([sum(mb.values()) for _, mb in samples])
    minutes = np.array([now for now, _ in samples]) / 60
    settled = len(total) // 4
    slope = np.polyfit(minutes[settled:], total[settled:], 1)[0] if len(total) > 8 else 0.0
    print(f"sum      first {total[0]:7.1f} MB   last {total[-1]:7.1f}   max {total.max():7.1f}")
    print(f"growth after the first quarter: {slope:+.2f} MB a minute")


if __name__ == "__main__":
    main()
