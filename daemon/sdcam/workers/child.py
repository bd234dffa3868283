"""A process of ours: spawned, spoken to through a pipe, replaceable at any moment."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from sdcam.errors import SdcamError
from sdcam.workers.records import LogLine

# Forking a process that has threads and a model runtime in it is undefined on macOS.
_CONTEXT = multiprocessing.get_context("spawn")
# Started by the macOS app (launchd/app/launcher.c): a child that ran as python would not be the app
# any more, and only the app has the permission to use the camera.
if launcher := os.environ.get("SDCAM_LAUNCHER"):
    _CONTEXT.set_executable(launcher)
_GRACE_SECONDS = 1.0


class Child:
    """One spawned process and our end of the pipe to it.

    Args:
        name: what `ps` and the log call it.
        target: module-level function; called with its end of the pipe, then `args`.

    Raises:
        SdcamError: the system starts no process (memory, their number).
    """

    def __init__(self, name: str, target: Callable[..., None], *args: Any) -> None:
        self.name = name
        try:
            with contextlib.ExitStack() as undo:
                ours, theirs = _CONTEXT.Pipe()
                undo.enter_context(ours)
                with theirs:
                    self._process = _CONTEXT.Process(
                        target=_main, args=(target, theirs, args), name=f"sdcam {name}", daemon=True
                    )
                    self._process.start()
                undo.pop_all()
        except OSError as error:
            raise SdcamError(
                f"The {name} process cannot be started: {error.strerror}.",
                "It is tried again; close programs that need much memory.",
            ) from None
        self.pipe: Connection = ours

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    @property
    def exit_code(self) -> int | None:
        return self._process.exitcode

    def fault(self) -> SdcamError:
        """Why its end of the pipe closed."""
        self._process.join(_GRACE_SECONDS)
        return SdcamError(f"The {self.name} process {self._how_it_ended()}.", "Restarting it.")

    def _how_it_ended(self) -> str:
        code = self._process.exitcode
        if code is None:
            return "does not answer"
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"exited with {code}"

    def send(self, message: Any) -> bool:
        """False when nobody is there any more."""
        try:
            self.pipe.send(message)
        except (BrokenPipeError, ConnectionResetError, OSError):
            return False
        return True

    def receive(self) -> Any:
        """The next message; None for a line of its log, which is written.

        Raises:
            EOFError, OSError: it is gone.
        """
        message = self.pipe.recv()
        if isinstance(message, LogLine):
            logging.getLogger(message.part).log(message.level, "%s", message.text)
            return None
        return message

    def stop(self, grace: float = _GRACE_SECONDS) -> None:
        """Asks (by closing the pipe), waits, insists. The process is gone when this returns."""
        self.pipe.close()
        self._process.join(grace)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()


def _main(target: Callable[..., None], pipe: Connection, args: tuple[Any, ...]) -> None:
    # Ctrl-C in a terminal goes to the whole group; who stops, and in which order, the daemon says.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    faulthandler.enable()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    log = logging.getLogger("sdcam")
    log.handlers[:] = [_ToParent(pipe)]
    log.setLevel(logging.INFO)
    log.propagate = False
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        target(pipe, *args)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)  # a camera read that hangs must not outlive the service


class _ToParent(logging.Handler):
    """One file cannot be written by several processes; and who starts us has one already."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__()
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        if threading.current_thread() is threading.main_thread():  # the pipe is that thread's
            with contextlib.suppress(OSError):
                self._pipe.send(LogLine(record.name, record.levelno, record.getMessage()))
