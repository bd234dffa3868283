"""The prompt as a text file, which OBS looks at every second."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

_log = logging.getLogger("sdcam.service")


class CaptionFile:
    """Holds the newest prompt, whole at every moment, and is written only when it changes.

    A caption is not worth a fault: where the file cannot be written, the log says so once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text: str | None = None
        self._works = True

    def write(self, text: str) -> None:
        """Puts `text` there, as UTF-8. Not to be called by two threads at once."""
        if text == self._text:
            return
        fresh = self._path.with_name(f".{self._path.name}.new")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink()
            if self._works:
                _log.warning("OBS's caption %s is not written: %s", self._path, error.strerror)
            self._works = False
            return
        self._text, self._works = text, True
