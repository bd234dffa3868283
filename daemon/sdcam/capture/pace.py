"""A steady beat for sources that have no clock of their own."""

from __future__ import annotations

import time

_SECOND = 1_000_000_000


class Pace:
    """Deadlines at `start + n / fps` on the monotonic clock, so that rounding does not drift."""

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._start = 0  # ns; 0 until the first beat
        self._beat = 0

    def skip(self) -> int:
        """Drops the beats that have passed unused, and returns how many those are.

        After more than a second without a beat (a stopped process, a sleeping machine) the beat
        restarts, and 0 is returned.
        """
        if not self._start:
            return 0
        missed = int((time.monotonic_ns() - self._deadline()) * self._fps / _SECOND)
        if missed > self._fps:
            self.restart()
            return 0
        if missed > 0:
            self._beat += missed
            return missed
        return 0

    def wait(self) -> int:
        """Sleeps until the next beat, which is now at the first call. Returns the time in ns."""
        now = time.monotonic_ns()
        if not self._start:
            self._start = now
        left = self._deadline() - now
        if left > 0:
            time.sleep(left / _SECOND)
        self._beat += 1
        return time.monotonic_ns()

    def restart(self) -> None:
        """The next beat is the first one."""
        self._start = 0
        self._beat = 0

    def _deadline(self) -> int:
        return self._start + round(self._beat * _SECOND / self._fps)
