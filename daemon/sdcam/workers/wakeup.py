"""Lets one thread wait for pipes and be woken by others."""

from __future__ import annotations

import contextlib
import os
import threading
from multiprocessing import connection
from multiprocessing.connection import Connection


class Wakeup:
    """One thread waits, any thread or signal handler rings. After `close` a ring does nothing."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        # Reentrant, because a signal handler may interrupt a ring of the same thread. It keeps
        # `close` from letting a ring write into another file that reuses the descriptor's number.
        self._lock = threading.RLock()

    def ring(self) -> None:
        with self._lock, contextlib.suppress(BlockingIOError):  # a full pipe rings already
            if self._write >= 0:
                os.write(self._write, b"!")

    def wait(self, seconds: float, *others: Connection) -> list[Connection]:
        """Waits for a ring or until one of `others` is readable; returns those that are."""
        ready = connection.wait([self._read, *others], max(0.0, seconds))
        if self._read in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._read, 4096)
        return [other for other in others if other in ready]

    def close(self) -> None:
        """Call when no thread waits any more. May be called twice."""
        with self._lock:
            if self._write >= 0:
                os.close(self._read)
                os.close(self._write)
                self._read = self._write = -1
