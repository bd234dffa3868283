"""Lets one thread wait for a pipe and be woken by others."""

from __future__ import annotations

import contextlib
import os
from multiprocessing import connection
from multiprocessing.connection import Connection


class Wakeup:
    """One thread waits, any thread (or signal handler) rings."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def ring(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full: it rings already
            os.write(self._write, b"!")

    def wait(self, seconds: float, *others: Connection) -> list[Connection]:
        """Waits for a ring or until one of `others` can be read; returns those that can."""
        ready = connection.wait([self._read, *others], max(0.0, seconds))
        if self._read in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._read, 4096)
        return [other for other in others if other in ready]

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)
