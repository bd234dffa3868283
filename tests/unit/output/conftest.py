"""A virtual camera without a driver: pyvirtualcam itself, with a backend written in Python."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import pyvirtualcam.camera


class Backend:
    """Keeps the rules of pyvirtualcam's native backends."""

    cameras: ClassVar[list[Backend]]
    refusal: ClassVar[str | None] = None  # what it says instead of opening

    def __init__(self, *, width, height, fps, fourcc, device):
        if self.refusal is not None:
            raise RuntimeError(self.refusal)
        self.size, self.fps, self.fourcc, self._device = (width, height), fps, fourcc, device
        self.frames = []
        self.closed = 0
        self.dead = False
        self.cameras.append(self)

    def send(self, frame):
        assert frame.ndim == 1
        assert frame.dtype == np.uint8
        assert frame.flags.c_contiguous
        if self.dead:
            raise RuntimeError("Stream does not exist.")
        self.frames.append(frame)  # no copy: the test sees whether the sink made one

    def close(self):
        self.closed += 1

    def device(self):
        return self._device

    def native_fourcc(self):
        return self.fourcc


@pytest.fixture
def backend(monkeypatch):
    class Fresh(Backend):
        cameras: ClassVar = []

    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {"python": Fresh})
    return Fresh
