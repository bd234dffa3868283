"""What takes minutes and clears up after itself has to do so when it is ended, too."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDS = (signal.SIGTERM, signal.SIGHUP)  # `kill`, and a terminal that was closed


@contextmanager
def termination_interrupts() -> Iterator[None]:
    """SIGTERM and SIGHUP do within it what Ctrl-C does: KeyboardInterrupt, once. A signal that
    was ignored (nohup) stays ignored. Outside of the main thread it does nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in usual:  # a second one would break off the clearing up
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    usual = {each: signal.getsignal(each) for each in _ENDS}
    usual = {each: handler for each, handler in usual.items() if handler == signal.SIG_DFL}
    try:
        for each in usual:
            signal.signal(each, interrupt)
        yield
    finally:
        for each, handler in usual.items():
            signal.signal(each, handler)
