"""The output's pace while the model runs flat out on all cores.

The demo clip plays as the camera, the embedded model paints as many frames as it can, nothing is
held back. Goal at 30 fps: median gap 33.3 ms, p99 at most 40 ms.
"""

from __future__ import annotations

import argparse

from benchmarks.service import running
from sdcam import resources


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--size", default="512", help="render size, or auto")
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--engine", default="auto")
    options = parser.parse_args()
    words = ["--source", f"file:{resources.demo_clip()}", "--output", "null", "--json"]
    words += [
        "--model",
        options.model,
        "--engine",
        options.engine,
        "--seconds",
        str(options.seconds),
    ]
    for setting in (f"output.fps={options.fps}", f"model.render_size={options.size}"):
        words += ["--set", setting]
    with running(*words) as service:
        run = service.summary()
    gap, frames, fps, latency = (run[k] for k in ("gap_ms", "frames", "fps_average", "latency_ms"))
    print(f"model           {run['model']['runtime']}, {run['model']['size']}")
    print(f"output          {frames['sent']} frames, {fps['output']} fps, {frames['late']} late")
    print(f"gap             p50 {gap['p50']} ms, p99 {gap['p99']} ms, max {gap['max']} ms")
    print(f"styled          {frames['styled']} frames, {fps['model']} fps")
    print(f"capture-output  p50 {latency['p50']} ms, p95 {latency['p95']}, p99 {latency['p99']}")
    print("stages          " + ", ".join(f"{k} {v}" for k, v in run["stages_ms"].items()) + " ms")


if __name__ == "__main__":
    main()
