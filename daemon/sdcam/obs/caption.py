"""The prompt as a text file, which OBS looks at every second."""

from __future__ import annotations

import logging
from pathlib import Path

from sdcam.atomic_file import atomic_write
from sdcam.errors import SdcamError

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
        try:
            atomic_write(self._path, text.encode(), mode=0o600)
        except SdcamError as error:
            if self._works:
                _log.warning("no caption for OBS: %s", error)
            self._works = False
            return
        self._text, self._works = text, True
