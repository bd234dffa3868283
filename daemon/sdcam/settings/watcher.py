"""Notices that the configuration file has changed, however its editor writes it.

Editors write in place, put a new file over the old one, delete and create, or write through a link
to somebody's dotfiles. All of that shows in what `stat` says of the *path* (links followed), so the
path is asked, ten times a second: 0.1 % of a core, the same on every system and file system, and
no events that a network folder or a renamed folder would keep to itself.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

_log = logging.getLogger("sdcam.settings")

_LOOK_SECONDS = 0.1
# A change counts when the file has rested for so long: it is written in several steps.
_REST_SECONDS = 0.06
_CLOSER_LOOK_SECONDS = 0.02
# A file that is gone or empty is most often about to be written.
_REST_SECONDS_WITHOUT_TEXT = 1.0

_Stamp = tuple[int, ...]


class ConfigWatcher:
    """
    Args:
        on_change: called from the watcher's thread when the file has changed and rests; what it
            raises is logged and ends nothing.
    """

    def __init__(self, path: Path, on_change: Callable[[], None]) -> None:
        self._path = path
        self._on_change = on_change
        self._should_stop = threading.Event()
        self._seen = _stamp(path)  # here, so that no edit after this goes unnoticed
        self._thread = threading.Thread(target=self._watch, name="config", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when no more calls will come; may be called twice, and from `on_change`."""
        self._should_stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _watch(self) -> None:
        while not self._should_stop.wait(_LOOK_SECONDS):
            if _stamp(self._path) == self._seen:
                continue
            self._seen = self._rested()
            if self._should_stop.is_set():
                return
            try:
                self._on_change()
            except Exception:
                _log.exception("the changed configuration could not be taken up")

    def _rested(self) -> _Stamp:
        """Waits until the file stays as it is."""
        stamp = _stamp(self._path)
        since = time.monotonic()
        while not self._should_stop.wait(_CLOSER_LOOK_SECONDS):
            now = time.monotonic()
            if (newer := _stamp(self._path)) != stamp:
                stamp, since = newer, now
            elif now - since >= (_REST_SECONDS if _has_text(stamp) else _REST_SECONDS_WITHOUT_TEXT):
                break
        return stamp


def _stamp(path: Path) -> _Stamp:
    """What differs when the file does: which one it is, its size, its times (of a mended mode,
    too). Of one that cannot be asked, why."""
    try:
        found = os.stat(path)  # noqa: PTH116 (a tenth of the time of Path.stat)
    except OSError as error:
        return (error.errno or 0,)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _has_text(stamp: _Stamp) -> bool:
    return len(stamp) > 1 and stamp[2] > 0
