"""Host work per frame outside the networks, and that it allocates no frame.

Camera 1280x720, model 512x512, output 1280x720. Both frame exchanges are included: the views onto
shared memory, and a record through a pipe and back. Goal: under 6 ms in sum.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable
from multiprocessing import Pipe

import cv2
import numpy as np

from sdcam.compositor import Compositor
from sdcam.pipeline.frame import FrameBuffers, frame_buffer_bytes
from sdcam.pipeline.geometry import Framing, centre_crop
from sdcam.pipeline.networks import NetworksSpec
from sdcam.pipeline.similarity import SimilarityFilter
from sdcam.pipeline.smoothing import ExponentialSmoothing
from sdcam.settings import Fit
from sdcam.workers.frame_pool import FrameSlots
from sdcam.workers.records import CameraFrame

SIZE = 512
AREA = "  the same by INTER_AREA"  # not part of the sum


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--blend", type=float, default=0.3)
    options = parser.parse_args()
    steps = _steps(options.blend)
    for step in steps.values():
        for _ in range(10):
            step()
    times = {name: [] for name in steps}  # type: dict[str, list[float]]
    for _ in range(options.frames):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            times[name].append((time.perf_counter() - start) * 1e3)
    total = np.sum([times[name] for name in steps if name != AREA], axis=0)
    for name, values in {**times, "sum": list(total)}.items():
        p50, p99 = np.percentile(values, [50, 99])
        print(f"{name:28} p50 {p50:6.2f} ms   p99 {p99:6.2f} ms")

    tracemalloc.start()
    base = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    for _ in range(20):
        for step in steps.values():
            step()
    peak = tracemalloc.get_traced_memory()[1] - base
    print(f"peak of all allocations      {peak / 1e3:.1f} kB (a 512x512 picture: 786 kB)")


def _steps(blend: float) -> dict[str, Callable[[], object]]:
    random = np.random.default_rng(0)
    camera = FrameSlots.allocate(2, 1280 * 720 * 3)
    spec = NetworksSpec("model", "runtime", SIZE, SIZE, 4, 1024)
    styled = FrameSlots.allocate(2, frame_buffer_bytes(SIZE, SIZE))
    picture = camera.view(0, (720, 1280, 3))
    picture[...] = random.integers(0, 255, picture.shape, np.uint8)
    buffers = FrameBuffers.over(styled.memory(0), spec)
    seen, painted = buffers.model_input, buffers.styled
    painted[...] = random.integers(0, 255, painted.shape, np.uint8)
    decoded = painted.copy()
    framing, smoothing = Framing(SIZE, SIZE), ExponentialSmoothing(SIZE, SIZE)
    similarity = SimilarityFilter(SIZE, SIZE)
    compositor = Compositor(1280, 720, "I420")
    ours, theirs = Pipe()
    turn = [0]

    def exchange() -> None:
        for slots, shape in ((camera, (720, 1280, 3)), (styled, (SIZE, SIZE, 3))):
            ours.send(CameraFrame(0, 1, time.monotonic_ns(), 1280, 720))
            slots.view(theirs.recv().slot, shape)

    resized = np.empty_like(seen)

    def by_area() -> None:
        x, y, width, height = centre_crop(1280, 720, 1.0)
        crop = picture[y : y + height, x : x + width]
        cv2.resize(crop, (SIZE, SIZE), resized, interpolation=cv2.INTER_AREA)
        cv2.cvtColor(resized, cv2.COLOR_BGR2RGB, seen)

    def identical() -> None:
        turn[0] += 1
        seen[0, 0, 0] = turn[0] % 256  # never the same frame twice
        similarity.skips(seen, 0.0)

    def smooth() -> None:
        np.copyto(painted, decoded)
        smoothing(painted, 0.4)

    return {
        AREA: by_area,
        "crop, resize, RGB": lambda: framing(picture, seen),
        "identical frame?": identical,
        "smoothing": smooth,
        "blend, fit, I420": lambda: compositor.compose(painted, seen, Fit.CROP, blend, False),
        "both exchanges": exchange,
    }


if __name__ == "__main__":
    main()
