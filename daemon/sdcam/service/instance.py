"""One service per user and socket, by a lock that the kernel releases however its holder ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO

from sdcam import paths
from sdcam.errors import SdcamError, UsageError


class AlreadyRunningError(SdcamError):
    """Another service holds the lock."""


class SingleInstance:
    """
    Args:
        socket: the control socket; the lock lies beside it.
    """

    def __init__(self, socket: Path) -> None:
        self._path = socket.with_suffix(".lock")
        is_default = socket == paths.control_socket("auto")
        self._where = "" if is_default else f" at the socket {socket}"
        self._file: TextIO | None = None

    def acquire(self) -> None:
        """
        Raises:
            AlreadyRunningError: another service runs.
            UsageError: the lock cannot be made there.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = self._path.open("a+")
        except OSError as error:
            raise UsageError(
                f"The lock {self._path} cannot be made: {error.strerror}.",
                "Set service.socket to a path in a folder of your own.",
            ) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read().strip() or "unknown"
            file.close()
            raise AlreadyRunningError(
                f"StreamDiffusion Cam is already running (process {pid}){self._where}.",
                "`sdcam status` shows what it does; stop it before you start another one.",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
