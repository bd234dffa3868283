"""One service per user: a lock that the kernel lets go of when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from sdcam.errors import SdcamError


class SingleInstance:
    """Held while the service runs.

    Args:
        socket: the control socket; the lock lies beside it.

    Raises (on entering):
        SdcamError: another one runs; says where.
    """

    def __init__(self, socket: Path) -> None:
        self._path = socket.with_suffix(".lock")

    def __enter__(self) -> None:
        folder = self._path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = self._path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            pid = self._file.read().strip() or "unknown"
            self._file.close()
            raise SdcamError(
                f"StreamDiffusion Cam runs already (process {pid}).",
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
