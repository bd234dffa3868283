"""The signals that end the service: the first one in order, the second one at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

# A process group often receives a signal twice at once: timeout(1), a shell that closes.
_SAME_SECONDS = 0.25
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # HUP: the terminal was closed
_FORCING = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def stop_signals(stop: Callable[[int], None], force: Callable[[], None]) -> Iterator[None]:
    """Calls `stop` with the number of the first signal, `force` at a second SIGINT or SIGTERM.

    Python runs `stop` in the main thread, between two bytecodes, so it may only set a flag and wake
    a loop. `force` runs in a thread of its own, which the operating system's own handler wakes: it
    works even while the main thread hangs in a system call.

    A signal that was ignored before (nohup, a job in the background) stays ignored. Outside of the
    main thread nothing is handled, because Python does not allow it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _STOP_SIGNALS}
    handled = [number for number, handler in before.items() if handler != signal.SIG_IGN]
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    wakeup_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def handle(number: int, frame: FrameType | None) -> None:
        stop(number)

    for number in handled:
        signal.signal(number, handle)
    watch = threading.Thread(target=_watch, args=(reader, force), name="signals", daemon=True)
    watch.start()
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])
        signal.set_wakeup_fd(wakeup_before)
        os.close(writer)  # ends the thread
        watch.join()
        os.close(reader)


def _watch(reader: int, force: Callable[[], None]) -> None:
    first: float | None = None
    while numbers := os.read(reader, 64):
        now = time.monotonic()
        if first is None:
            first = now if any(number in _STOP_SIGNALS for number in numbers) else None
        elif now - first > _SAME_SECONDS and any(number in _FORCING for number in numbers):
            force()
            return
