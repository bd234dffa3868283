"""One service per user and socket: a lock that the kernel lets go of when its holder ends, however
it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from sdcam import paths
from sdcam.errors import SdcamError, UsageError


class AlreadyRunningError(SdcamError):
    """Another one holds the lock."""


class SingleInstance:
    """Held while the service runs.

    Args:
        socket: the control socket; the lock lies beside it.

    Raises (on entering):
        AlreadyRunningError: another one runs; says where.
        UsageError: the lock cannot be made there.
    """

    def __init__(self, socket: Path) -> None:
        self._path = socket.with_suffix(".lock")
        named = socket != paths.control_socket("auto")
        self._where = f" at the socket {socket}" if named else ""

    def __enter__(self) -> None:
        folder = self._path.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = self._path.open("a+")
        except OSError as error:
            raise UsageError(
                f"The lock {self._path} cannot be made: {error.strerror}.",
                "Set service.socket to a path in a folder of your own.",
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            pid = self._file.read().strip() or "unknown"
            self._file.close()
            raise AlreadyRunningError(
                f"StreamDiffusion Cam runs already (process {pid}){self._where}.",
                "`sdcam status` shows what it does; stop it before you start another one.",
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
