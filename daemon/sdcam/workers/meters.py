"""Counters for the status: rates and distributions of the last seconds."""

from __future__ import annotations

import threading
import time
from collections import deque

import numpy as np


class RateMeter:
    """Counts events and their recent rate. Thread-safe."""

    def __init__(self, window_seconds: float = 3.0) -> None:
        self.count = 0
        self._window_ns = round(window_seconds * 1e9)
        self._times: deque[int] = deque(maxlen=1024)
        self._first_ns = self._last_ns = 0
        self._lock = threading.Lock()

    def tick(self, now: int | None = None) -> None:
        """
        Args:
            now: `time.monotonic_ns()` of the event; None for this moment.
        """
        now = time.monotonic_ns() if now is None else now
        with self._lock:
            self._first_ns = self._first_ns or now
            self._last_ns = now
            self.count += 1
            self._times.append(now)

    def per_second(self) -> float:
        """Events a second over the window, 0.0 when there were none."""
        oldest = time.monotonic_ns() - self._window_ns
        with self._lock:
            while self._times and self._times[0] < oldest:
                self._times.popleft()
            if len(self._times) < 2:
                return 0.0
            return (len(self._times) - 1) / max(1e-9, (self._times[-1] - self._times[0]) / 1e9)

    def average(self) -> float:
        """Events a second from the first to the last."""
        with self._lock:
            span = (self._last_ns - self._first_ns) / 1e9
            return (self.count - 1) / span if span > 0 else 0.0


class Distribution:
    """The last values of a quantity in milliseconds, in memory allocated once. Thread-safe."""

    def __init__(self, keep: int = 4096) -> None:
        self._values = np.zeros(keep, np.float32)
        self._count = 0  # so far; the oldest are overwritten
        self._lock = threading.Lock()

    def add_ns(self, nanoseconds: int) -> None:
        with self._lock:
            self._values[self._count % len(self._values)] = nanoseconds / 1e6
            self._count += 1

    def percentiles(self, *percents: float) -> list[float]:
        """In milliseconds; zeros when nothing was measured."""
        with self._lock:
            values = self._values[: self._count].copy()
        if not len(values):
            return [0.0] * len(percents)
        return [float(v) for v in np.percentile(values, percents)]
