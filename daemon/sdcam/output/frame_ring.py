"""A few frames between a thread that must not wait and one that may have to."""

from __future__ import annotations

import threading

import numpy as np

from sdcam.arrays import Pixels


class FrameRing:
    """As many frames come out as went in, in order, from memory that is allocated once.

    When the ring is full, the new frame is dropped, counted as late, and the frame before it comes
    out twice: the picture freezes for a moment, and the film keeps its length.
    """

    def __init__(self, shape: tuple[int, ...], slots: int) -> None:
        """`slots` is at least 2, so that the newest frame is never the one being read."""
        self.late = 0
        self._frames: list[Pixels] = [np.zeros(shape, np.uint8) for _ in range(slots)]
        self._times = [0] * slots  # how often each slot is still to be taken
        self._oldest = 0
        self._filled = 0
        self._finished = False
        self._changed = threading.Condition()

    def put(self, frame: Pixels) -> None:
        """Copies `frame` in. Never waits for the reader. For one writing thread."""
        slots = len(self._frames)
        with self._changed:
            if self._filled == slots:
                self._times[(self._oldest - 1) % slots] += 1
                self.late += 1
                return
            free = (self._oldest + self._filled) % slots
        np.copyto(self._frames[free], frame)  # the reader does not touch an empty slot
        with self._changed:
            self._times[free] = 1
            self._filled += 1
            self._changed.notify()

    def take(self) -> Pixels | None:
        """Waits for the next frame, valid until the next call; None after the last one."""
        with self._changed:
            if self._filled and self._times[self._oldest] == 0:  # the one taken last time
                self._oldest = (self._oldest + 1) % len(self._frames)
                self._filled -= 1
            while not self._filled:
                if self._finished:
                    return None
                self._changed.wait()
            self._times[self._oldest] -= 1
            return self._frames[self._oldest]

    def finish(self) -> None:
        """No more frames will be put in."""
        with self._changed:
            self._finished = True
            self._changed.notify()
