"""A camera that repeats its last picture is told from a closed shutter."""

from __future__ import annotations

import numpy as np
import pytest

from sdcam.capture.camera import FreezeDetector

SECOND = 1_000_000_000


class Plug:
    def __init__(self) -> None:
        self.is_in = True
        self.asked = 0

    def is_there(self) -> bool:
        self.asked += 1
        return self.is_in


@pytest.fixture
def plug() -> Plug:
    return Plug()


@pytest.fixture
def watch(plug: Plug) -> FreezeDetector:
    return FreezeDetector(64, 48, is_there=plug.is_there)


FRAME = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


def gone(watch: FreezeDetector, frame: np.ndarray, begin: float, end: float) -> bool:
    times = np.arange(begin, end, 0.1)
    return any(watch.of_a_missing_camera(frame, int((t + 1) * SECOND)) for t in times)


def test_frozen_picture_of_a_missing_camera_is_found(watch: FreezeDetector, plug: Plug) -> None:
    plug.is_in = False
    assert not gone(watch, FRAME, 0, 1.5)
    assert gone(watch, FRAME, 1.5, 3)


def test_closed_shutter_is_no_fault(watch: FreezeDetector, plug: Plug) -> None:
    assert not gone(watch, np.zeros_like(FRAME), 0, 60)
    assert plug.asked == 2


def test_noisy_picture_never_queries_the_system(watch: FreezeDetector, plug: Plug) -> None:
    noisy = FRAME.copy()
    for i in range(100):
        noisy[24, 10, 0] = i
        assert not watch.of_a_missing_camera(noisy, int((1 + i / 10) * SECOND))
    assert plug.asked == 0
