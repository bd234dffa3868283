"""The test pattern can be read back by a program."""

from __future__ import annotations

import numpy as np
from stepped_clock import SteppedClock

from sdcam.capture import open_source
from sdcam.capture.test_pattern import COUNTER_BITS, TestPattern
from sdcam.settings.schema import CameraSettings


def number_in(picture: np.ndarray) -> int:
    """Reads the row of blocks at the bottom, the highest bit first."""
    height, width = picture.shape[:2]
    blocks = (np.arange(COUNTER_BITS) + 0.5) * width / COUNTER_BITS
    bits = picture[height - height // 32, blocks.astype(int), 1] > 127
    return int("".join(str(int(bit)) for bit in bits), 2)


def test_every_frame_carries_its_number() -> None:
    pattern = TestPattern(320, 180, fps=120)
    seen = set()
    out = np.empty((180, 320, 3), np.uint8)
    numbers = []
    for _ in range(30):
        pattern.read(out)
        numbers.append(number_in(out))
        seen.add(out[: 180 - 180 // 16].tobytes())  # unique above the blocks as well
    assert numbers[0] == 0
    assert numbers == sorted(set(numbers))
    assert len(seen) == 30


def test_a_late_reader_sees_the_number_of_the_frame_that_is_due(clock: SteppedClock) -> None:
    pattern = TestPattern(64, 64, fps=50)
    out = np.empty((64, 64, 3), np.uint8)
    pattern.read(out)
    clock.now += 310_000_000
    pattern.read(out)
    assert number_in(out) == 15


def test_the_smallest_and_the_largest_size_can_be_drawn() -> None:
    for width, height in [(64, 64), (3840, 2160), (2160, 3840)]:
        out = np.full((height, width, 3), 1, np.uint8)
        TestPattern(width, height, fps=30).read(out)
        assert out.std() > 20


def test_a_large_test_pattern_fits_the_frame_memory() -> None:
    with open_source("test", CameraSettings(width=3840, height=2160)) as pattern:
        assert (pattern.info.width, pattern.info.height) == (1920, 1080)
