"""From `sdcam run` to the first styled frame sent. Goal: under 3 s."""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.service import running
from sdcam import resources


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    seconds = []
    for _ in range(options.runs):
        with running("--source", f"file:{resources.demo_clip()}", "--output", "null", "--json",
                     "--model", "pocket") as service:  # fmt: skip
            service.until(lambda s: s["first_picture_after_seconds"] is not None)
            service.process.terminate()
            seconds.append(service.summary()["first_picture_after_seconds"])
    low, mid, high = np.percentile(seconds, [0, 50, 100])
    print(f"first styled frame after: min {low:.2f} s, median {mid:.2f} s, max {high:.2f} s")


if __name__ == "__main__":
    main()
