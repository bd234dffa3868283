"""A clock for tests of paced sources."""

from __future__ import annotations


class SteppedClock:
    """Stands in for the `time` module: time passes only by sleeping, and when a test says so."""

    def __init__(self) -> None:
        self.now = 5_000_000_000

    def monotonic_ns(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += round(seconds * 1e9)
