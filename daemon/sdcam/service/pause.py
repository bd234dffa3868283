"""A pause outlives a crash: who has turned the camera off must not find it on again."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from types import TracebackType

_log = logging.getLogger("sdcam.service")


class PauseMark:
    """A file that is there during a pause. Entered while the service runs: an orderly end takes it
    away, and only a service that was killed leaves it to the next one.

    Args:
        socket: the control socket; the mark lies beside it.
    """

    def __init__(self, socket: Path) -> None:
        self._path = socket.with_suffix(".paused")

    @property
    def found(self) -> bool:
        return self._path.exists()

    def put(self) -> None:
        try:
            self._path.touch(mode=0o600)
        except OSError as error:
            _log.warning(
                "%s cannot be written: %s. The pause would not outlive a crash.",
                self._path,
                error.strerror,
            )

    def take_away(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> PauseMark:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.take_away()
