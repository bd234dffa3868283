"""What may end a permanent fault: another set of devices, other files of the model."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

# The state of system extensions, OBS's camera among them. Not seen on a Mac yet; a file that does
# not exist is simply never a change.
_EXTENSIONS = Path("/Library/SystemExtensions/db.plist")


class ChangeProbe:
    """
    Args:
        devices: the folder of device nodes.
    """

    def __init__(self, devices: Path = Path("/dev")) -> None:
        self._devices = devices
        self._before: object = None

    def changed(self, model_folders: tuple[Path, ...] = ()) -> bool:
        """Whether anything changed since the last call. Takes well under a millisecond."""
        now = (self._video_devices(), tuple(map(_stamp, model_folders)))
        before, self._before = self._before, now
        return before is not None and before != now

    def _video_devices(self) -> object:
        if sys.platform == "darwin":
            return _stamp(_EXTENSIONS)
        found = []
        with contextlib.suppress(OSError):
            for node in sorted(self._devices.glob("video*")):
                with contextlib.suppress(OSError):  # unplugged a moment ago
                    status = node.stat()  # mode and owner: a permission may have been granted
                    found.append((node.name, status.st_rdev, status.st_mode, status.st_gid))
        return found


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
