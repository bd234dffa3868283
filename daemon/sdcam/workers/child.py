"""A process of ours: spawned, spoken to through a pipe, replaceable at any moment."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any, cast

from sdcam.errors import SdcamError

# Forking a process that has threads and a model runtime in it is undefined on macOS.
_CONTEXT = multiprocessing.get_context("spawn")
# In the macOS app (launchd/app/launcher.c) the children are the app too: only the app has the
# permission to use the camera, and a child that ran python would not have it.
if launcher := os.environ.get("SDCAM_LAUNCHER"):
    _CONTEXT.set_executable(launcher)
_GRACE_SECONDS = 1.0
_KILL_SECONDS = 1.0  # a killed process that lasts longer is stuck in the kernel


@dataclass(frozen=True)
class LogLine:
    """From any of our processes: a line for the log, which the daemon writes."""

    part: str  # "sdcam.model"
    level: int
    text: str


class Child:
    """One spawned process and our end of the pipe to it.

    Args:
        name: what `ps` and the log call it.
        target: module-level function, called with its end of the pipe, then `args`. As text,
            "package.module:function", it is imported in the child only.

    Raises:
        SdcamError: the system cannot start a process (memory, number of processes).
    """

    def __init__(self, name: str, target: Callable[..., None] | str, *args: Any) -> None:
        self.name = name
        self._ended = False
        try:
            with contextlib.ExitStack() as undo:
                ours, theirs = _CONTEXT.Pipe()
                undo.enter_context(ours)
                # Started with the first child otherwise, where it would unblock SIGINT.
                resource_tracker.ensure_running()
                with theirs, _terminal_signals_blocked():
                    self._process = _CONTEXT.Process(
                        target=_main, args=(target, theirs, args), name=f"sdcam {name}", daemon=True
                    )
                    self._process.start()
                undo.pop_all()
        except OSError as error:
            raise SdcamError(
                f"The {name} process cannot be started: {error.strerror}.",
                "Retrying; close programs that need much memory.",
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
        """Why the other end of the pipe closed."""
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
        """False when the process is gone."""
        try:
            self.pipe.send(message)
        except OSError:
            return False
        return True

    def receive(self) -> Any:
        """The next message; None for a line of the child's log, which is written here.

        Raises:
            EOFError, OSError: the process is gone.
        """
        message = self.pipe.recv()
        if isinstance(message, LogLine):
            logging.getLogger(message.part).log(message.level, "%s", message.text)
            return None
        return message

    def stop(self, grace: float = _GRACE_SECONDS) -> bool:
        """Closes the pipe, waits `grace` seconds, kills.

        Returns:
            Whether the process is gone. A process in an uninterruptible system call (a hung camera
            or GPU driver) survives: it may still write into its memory, and `alive` tells when it
            no longer does. May be called again.
        """
        if self._ended:
            return True
        self.pipe.close()
        self._process.join(grace)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(_KILL_SECONDS)
        if self._process.is_alive():
            return False
        self._process.close()
        self._ended = True
        return True


class LingeringChildren:
    """Processes that could not be ended. Until one is gone it may write into its slots of shared
    memory, and a second process would hang as well. For one thread."""

    def __init__(self) -> None:
        self._children: list[tuple[Child, Callable[[], None]]] = []

    def add(self, child: Child, release: Callable[[], None]) -> None:
        """
        Args:
            release: frees what the process held; called once the process is gone.
        """
        self._children.append((child, release))

    def fault(self) -> SdcamError | None:
        """Why no other process may start yet. Releases what ended processes held."""
        for entry in list(self._children):
            child, release = entry
            if child.alive:
                return SdcamError(
                    f"The {child.name} process (pid {child.pid}) does not end: a driver holds it.",
                    "Unplug the device that it uses, or restart the computer.",
                )
            self._children.remove(entry)
            release()
        return None


@contextlib.contextmanager
def _terminal_signals_blocked() -> Iterator[None]:
    """A terminal sends its signals to children as well, which have no handler before they have
    imported Python. The mask is inherited; the daemon decides when a child ends."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _main(target: Callable[..., None] | str, pipe: Connection, args: tuple[Any, ...]) -> None:
    # SIGINT and SIGHUP stay blocked (see `_terminal_signals_blocked`).
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    faulthandler.enable()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    log = logging.getLogger("sdcam")
    log.handlers[:] = [_ToParent(pipe)]
    log.setLevel(logging.INFO)
    log.propagate = False
    if isinstance(target, str):
        module, _, name = target.partition(":")
        target = cast(Callable[..., None], getattr(import_module(module), name))
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        target(pipe, *args)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)  # a camera read that hangs must not outlive the service


class _ToParent(logging.Handler):
    """Sends log lines to the daemon: several processes cannot write one rotating file."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__()
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        if threading.current_thread() is threading.main_thread():  # which alone uses the pipe
            with contextlib.suppress(OSError):
                self._pipe.send(LogLine(record.name, record.levelno, record.getMessage()))
