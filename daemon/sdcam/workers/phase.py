"""Ticks that follow the pictures: a picture goes out soon after it is there.

Two clocks of the same rate have an accidental distance that adds up to a whole period to the
latency, and drift: now and then a picture is shown twice and one not at all. Where pictures come
at the output's own rate, the ticks are moved a little from one to the next until a picture waits
for just as long as its arrivals vary.
"""

from __future__ import annotations

from collections import deque

_REMEMBERED = 16
_MARGIN = 0.0015  # seconds that the luckiest picture waits
_GAIN = 0.1
_LARGEST_STEP = 0.015  # of a period, so nobody sees it
_SAME_RATE = 0.35  # of a period: waits that spread further are those of another rate


class PhaseLock:
    """
    Args:
        period: seconds from tick to tick.
    """

    def __init__(self, period: float) -> None:
        self._period = period
        self._waits: deque[float] = deque(maxlen=_REMEMBERED)

    def shown(self, wait: float) -> None:
        """A picture has gone out, `wait` seconds after it was ready."""
        self._waits.append(wait)

    def repeated(self) -> None:
        """A tick had no new picture: pictures come more slowly, or one came too late."""
        self._waits.append(self._period)

    def shift(self) -> float:
        """Seconds to add to the time of the next tick."""
        if len(self._waits) < _REMEMBERED:
            return 0.0
        least = min(self._waits)
        if max(self._waits) - least > _SAME_RATE * self._period:
            return 0.0
        largest = _LARGEST_STEP * self._period
        return max(-largest, min(largest, _GAIN * (_MARGIN - least)))
