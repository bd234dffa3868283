"""What the output costs at 1280x720 and 30 frames a second: of a core, and in latency.

A picture of the model comes at every tick, as from the model's process; the output composes it,
waits for its tick and sends it. Goal: under 10 % of a core: what this process uses, but for the
thread that makes the pictures, and what its children use (the virtual camera's process).
`--output virtual-camera` sends to the device; what it adds to `null` is the device's part.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import psutil

from sdcam.compositor import Card
from sdcam.pipeline.frame import Frame, FrameBuffers, frame_buffer_bytes
from sdcam.pipeline.look import Look
from sdcam.pipeline.networks import NetworksSpec
from sdcam.settings import OutputSettings
from sdcam.workers.frame_pool import FramePool
from sdcam.workers.output import OutputWorker, View
from sdcam.workers.records import CameraFrame, StyledFrame

_SETTLING_SECONDS = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", default="null")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--size", type=int, default=512, help="of the model's picture")
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    output = OutputSettings(width=options.width, height=options.height, fps=options.fps)
    spec = NetworksSpec("model", "runtime", options.size, options.size, 4, 8)
    pool = FramePool(4, frame_buffer_bytes(options.size, options.size))
    worker = OutputWorker([options.output], output, pool, _card, View(), print)
    worker.start()
    _feed(worker, pool, spec, output.fps, _SETTLING_SECONDS)
    start, cpu = time.monotonic(), _cpu_seconds()
    _feed(worker, pool, spec, output.fps, options.seconds)
    share = (_cpu_seconds() - cpu) / (time.monotonic() - start)
    print(f"{worker.sinks[0].name}, {output.width}x{output.height} at {output.fps:g} fps, "
          f"pictures of {options.size}x{options.size}")  # fmt: skip
    print(f"of a core            {100 * share:.1f} %")
    for name, distribution in (
        ("composition", worker.compose_time),
        ("picture to sent", worker.latency),
        ("between frames", worker.gaps),
    ):
        p50, p99, most = distribution.percentiles(50, 99, 100)
        print(f"{name:20} p50 {p50:5.2f}   p99 {p99:5.2f}   most {most:5.2f} ms")
    for sink in worker.sinks:
        print(f"{sink.name:20} {sink.status()}")
    worker.stop()


def _card(age_ns: int | None) -> Card | None:
    return Card("Starting") if age_ns is None else None


def _cpu_seconds() -> float:
    """Of the output's thread, of those that OpenCV lends it, and of child processes."""
    children = psutil.Process().children()
    theirs = sum(sum(child.cpu_times()[:2]) for child in children)
    return time.process_time() - time.thread_time() + float(theirs)


def _feed(
    worker: OutputWorker, pool: FramePool, spec: NetworksSpec, fps: float, seconds: float
) -> None:
    random = np.random.default_rng(0)
    end = due = time.monotonic()
    end += seconds
    while due < end:
        slot = pool.take()
        if slot is not None:
            picture = FrameBuffers.over(pool.slots.memory(slot), spec).styled
            picture[::4] = random.integers(0, 255, picture[::4].shape, np.uint8)
            now = time.monotonic_ns()
            camera = CameraFrame(0, 0, now, spec.width, spec.height)
            worker.show(StyledFrame(slot, spec, camera, Frame(Look("oil"), now)))
        due += 1 / fps
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main()
