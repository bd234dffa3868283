"""The log: one line for a change of state, never one a frame."""

from __future__ import annotations

import faulthandler
import logging
import os
import stat
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from sdcam.paths import crash_file, log_file
from sdcam.settings.schema import ServiceSettings

_LARGEST_STDERR = 1_000_000  # bytes; of crashes at the start and of a log that cannot be written


def start_logging(level: str) -> None:
    """Lines for people, to stderr."""
    _log_to(logging.StreamHandler(sys.stderr), "%H:%M:%S", level)


def start_service_log(settings: ServiceSettings) -> None:
    """Lines to the service's file, which is begun anew at a certain size; where it cannot be
    written, to stderr. What processes say when they crash goes beside it."""
    logging.raiseExceptions = False  # a full disk is no reason to fill stderr
    path = log_file(settings.log_file)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = _LogFile(
            path, maxBytes=settings.log_bytes, backupCount=settings.log_count, encoding="utf-8"
        )
        _remember_crashes(crash_file(settings.log_file), settings.log_bytes)
    except OSError as error:
        start_logging(settings.log_level)
        logging.getLogger("sdcam.service").warning(
            "The log %s cannot be written: %s. Set service.log_file.", path, error.strerror
        )
        return
    _log_to(handler, "%Y-%m-%d %H:%M:%S", settings.log_level)


def begin_stderr_anew() -> None:
    """Of a file that has grown large: launchd, which opens one for us, only ever adds to it."""
    try:
        descriptor = sys.stderr.fileno()
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_size > _LARGEST_STDERR:
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
    except (OSError, ValueError):  # closed, or not to be written: there is nothing to keep small
        return


def _log_to(handler: logging.Handler, time_format: str, level: str) -> None:
    handler.setFormatter(_Line("%(asctime)s %(levelname)s %(part)s: %(message)s", time_format))
    root = logging.getLogger("sdcam")
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    root.propagate = False


def _remember_crashes(path: Path, most_bytes: int) -> None:
    """Stderr of this process and of its children, faulthandler's tracebacks among it, goes into a
    file: nobody reads the stderr of a service."""
    if path.exists() and path.stat().st_size > most_bytes:
        path.unlink()
    with path.open("a", encoding="utf-8") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    faulthandler.enable()


class _LogFile(RotatingFileHandler):
    """Begun anew, too, where somebody else has taken the file away (logrotate, `rm`)."""

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802
        self._find_again()
        return bool(super().shouldRollover(record))

    def _find_again(self) -> None:
        path = Path(self.baseFilename)
        if self.stream is not None and _is_same(path, self.stream):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        before, self.stream = self.stream, self._open()
        if before is not None:
            before.close()


def _is_same(path: Path, file: TextIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.part = record.name.rpartition(".")[2]
        record.levelname = record.levelname.lower()
        return super().format(record)
