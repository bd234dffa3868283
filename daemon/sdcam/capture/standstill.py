"""A camera that is gone and still says OK, sending its last picture for ever (opencv#14044).

A picture that stands still is no proof: a closed shutter gives black without noise. So the
system is asked whether the camera is still there, once the picture has not changed for a while.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sdcam.capture.source import Pixels

_FIRST_DOUBT_NS = 2_000_000_000
_NEXT_DOUBT_NS = 30_000_000_000  # asking takes a second on macOS, which the picture then skips
_ROWS = 8


class Standstill:
    """Compares a few rows of every frame; a real sensor's noise changes them each time."""

    def __init__(self, width: int, height: int, is_there: Callable[[], bool]) -> None:
        self._every = max(1, height // _ROWS)
        rows = len(range(0, height, self._every))
        self._last: Pixels = np.zeros((rows, width, 3), np.uint8)
        self._equal = np.zeros((rows, width, 3), np.bool_)
        self._is_there = is_there
        self._ask_at = 0  # ns; 0 until the first frame

    def of_a_missing_camera(self, frame: Pixels, now: int) -> bool:
        """True once the same picture comes again and again from a camera that is not listed."""
        rows = frame[:: self._every]
        np.equal(rows, self._last, out=self._equal)
        if not self._ask_at or not self._equal.all():
            np.copyto(self._last, rows)
            self._ask_at = now + _FIRST_DOUBT_NS
            return False
        if now < self._ask_at:
            return False
        self._ask_at = now + _NEXT_DOUBT_NS
        return not self._is_there()
