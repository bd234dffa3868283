"""Whether the machine has slept: one clock counts on in its sleep, the other one does not."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

_LONGER_THAN = 2.0  # seconds; clocks are read one after the other


def _clocks() -> tuple[Callable[[], float], Callable[[], float]]:
    """The one that counts on, the one that stands still."""
    if sys.platform == "darwin":
        return (
            lambda: time.clock_gettime(time.CLOCK_MONOTONIC_RAW),
            lambda: time.clock_gettime(time.CLOCK_UPTIME_RAW),
        )
    if hasattr(time, "CLOCK_BOOTTIME"):
        return lambda: time.clock_gettime(time.CLOCK_BOOTTIME), time.monotonic
    return time.monotonic, time.monotonic


class SleepClock:
    """
    Args:
        clocks: in seconds, as `_clocks` gives them.
    """

    def __init__(
        self, clocks: tuple[Callable[[], float], Callable[[], float]] | None = None
    ) -> None:
        self._awake_and_asleep, self._awake = clocks or _clocks()
        self._slept = self._asleep()

    def has_slept(self) -> bool:
        """True once after each sleep."""
        before, self._slept = self._slept, self._asleep()
        return self._slept - before > _LONGER_THAN

    def _asleep(self) -> float:
        return self._awake_and_asleep() - self._awake()
