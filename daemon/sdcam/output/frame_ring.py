"""A few frames between a thread that must not wait and one that may have to."""

from __future__ import annotations

import threading

import numpy as np

from sdcam.output.sink import Pixels


class FrameRing:
    """Frames in, the same number of frames out, in order, from memory that is allocated once.

    When the ring is full, the frame before is counted twice and the new one as late: the picture
    stands still for a moment, but the number of frames, and so the time line, stays true.
    """

    def __init__(self, shape: tuple[int, ...], slots: int) -> None:
        """`slots` is at least 2, so that the newest frame is never the one being read."""
        self.late = 0
        self._frames: list[Pixels] = [np.zeros(shape, np.uint8) for _ in range(slots)]
        self._times = [0] * slots  # how often each is still to be taken
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
        np.copyto(self._frames[free], frame)  # nobody reads a slot that is not filled
        with self._changed:
            self._times[free] = 1
            self._filled += 1
            self._changed.notify()

    def take(self) -> Pixels | None:
        """Waits for the next frame, good until the next call; None when the last was taken."""
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
        """Nothing more will be put in."""
        with self._changed:
            self._finished = True
            self._changed.notify()
