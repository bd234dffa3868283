"""A pause survives a crash, a logout and a restart: a camera that the user turned off stays off."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from pathlib import Path

from sdcam import paths

_log = logging.getLogger("sdcam.service")


class PauseMark:
    """A file that exists during a pause, from `sdcam pause` to `sdcam resume`.

    Args:
        socket: the control socket; services with different sockets have different pauses.
    """

    def __init__(self, socket: Path) -> None:
        name = hashlib.sha256(str(socket).encode()).hexdigest()[:16]
        self._path = paths.state_folder() / f"paused-{name}"

    @property
    def found(self) -> bool:
        return self._path.exists()

    def set(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path.touch(mode=0o600)
        except OSError as error:
            _log.warning(
                "%s cannot be written: %s. The pause would not survive a restart.",
                self._path,
                error.strerror,
            )

    def remove(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
