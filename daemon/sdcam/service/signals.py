"""The signals that end the service in order."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # HUP: the terminal was closed
_log = logging.getLogger("sdcam.service")


@contextlib.contextmanager
def stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Each of them calls `stop`, while this is entered; in the main thread only, for Python lets no
    other handle them."""

    def leave(number: int, frame: FrameType | None) -> None:
        _log.info("%s: stopping", signal.Signals(number).name)
        stop()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {s: signal.signal(s, leave) for s in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
