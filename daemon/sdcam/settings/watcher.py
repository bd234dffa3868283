"""Notices that the configuration file has changed, however its editor writes it.

Editors write in place, rename a new file over the old one, delete and create, or write through a
link into somebody's dotfiles. All of that shows in `stat` of the path, with links followed. So the
watcher asks for it four times a second. This costs next to nothing, works alike on every system,
and needs no events, which network folders and renamed folders do not send.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

_log = logging.getLogger("sdcam.settings")

# From the save to the call: 0.04 to 0.29 s for a file that is written in one go.
_POLL_SECONDS = 0.25
# Some editors write in several steps: a change counts when the next look finds no other.
_QUIET_SECONDS = 0.04
# A file that is missing or empty is most likely about to be written: one second.
_LOOKS_WITHOUT_TEXT = 25

_Stamp = tuple[int, ...]


class ConfigWatcher:
    """
    Args:
        on_change: called from the watcher's thread when the file has changed and is quiet. What it
            raises is logged; the watch goes on.
    """

    def __init__(self, path: Path, on_change: Callable[[], None]) -> None:
        self._path = path
        self._on_change = on_change
        self._should_stop = threading.Event()
        self._known = _stamp(path)  # taken here, so that no later edit is missed
        self._thread = threading.Thread(target=self._watch, name="config", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when no further calls will come. May be called twice, and from `on_change`."""
        self._should_stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _watch(self) -> None:
        while not self._should_stop.wait(_POLL_SECONDS):
            if _stamp(self._path) == self._known:
                continue
            self._known = self._quiet_stamp()
            if self._should_stop.is_set():
                return
            try:
                self._on_change()
            except Exception:
                _log.exception("Internal error: the changed configuration is not in force.")

    def _quiet_stamp(self) -> _Stamp:
        """Waits until the file stays as it is."""
        stamp, looks = _stamp(self._path), 0
        while not self._should_stop.wait(_QUIET_SECONDS):
            before, stamp = stamp, _stamp(self._path)
            looks = looks + 1 if stamp == before else 0
            has_text = len(stamp) > 1 and stamp[2] > 0
            if looks >= (1 if has_text else _LOOKS_WITHOUT_TEXT):
                break
        return stamp


def _stamp(path: Path) -> _Stamp:
    """Differs whenever the file does: device, inode, size, and times (ctime shows a change of
    permissions, too). If the file cannot be asked, the number of the error."""
    try:
        found = os.stat(path)  # noqa: PTH116 (a tenth of the time of Path.stat)
    except OSError as error:
        return (error.errno or 0,)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
