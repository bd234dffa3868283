"""The log: one line for a change of state, never one a frame, and no line again and again."""

from __future__ import annotations

import faulthandler
import logging
import os
import stat
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from sdcam.paths import crash_file, log_file
from sdcam.settings.schema import ServiceSettings

_LARGEST_STDERR = 1_000_000  # bytes
_REPEAT_SECONDS = 60.0
_REMEMBERED = 256  # messages


def start_logging(level: str) -> None:
    """Lines for people, to stderr."""
    _log_to(logging.StreamHandler(sys.stderr), "%H:%M:%S", level)


def start_service_log(settings: ServiceSettings) -> None:
    """Writes lines to the service's log file, which rotates; to stderr where it cannot be written.
    Stderr itself, with the tracebacks of crashes, goes to a file beside it."""
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


def limit_stderr() -> None:
    """Empties the file behind stderr when it has grown large: launchd and chatty libraries only
    ever append to it. Costs one system call."""
    try:
        descriptor = sys.stderr.fileno()
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_size > _LARGEST_STDERR:
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
    except (OSError, ValueError):  # closed, or not writable: nothing grows
        return


class RepeatFilter(logging.Filter):
    """Logs a message that repeats, such as those of a process that keeps crashing, once a minute
    with a count. What the user asked for ("sdcam.user") is logged every time."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}  # logged at, left out since

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "sdcam.user":
            return True
        now, key = time.monotonic(), (record.name, record.getMessage())
        logged_at, left_out = self._seen.pop(key, (-_REPEAT_SECONDS, 0))
        repeats = now - logged_at < _REPEAT_SECONDS
        self._seen[key] = (logged_at, left_out + 1) if repeats else (now, 0)
        if len(self._seen) > _REMEMBERED:
            self._seen.pop(next(iter(self._seen)))
        if left_out and not repeats:
            record.msg, record.args = f"{key[1]} ({left_out} more times before)", None
        return not repeats


def _log_to(handler: logging.Handler, time_format: str, level: str) -> None:
    handler.addFilter(RepeatFilter())
    handler.setFormatter(_Line("%(asctime)s %(levelname)s %(part)s: %(message)s", time_format))
    root = logging.getLogger("sdcam")
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    root.propagate = False


def _remember_crashes(path: Path, most_bytes: int) -> None:
    """Sends stderr of this process and of its children into a file, with the tracebacks of
    faulthandler: nobody reads the stderr of a service."""
    if path.exists() and path.stat().st_size > most_bytes:
        path.unlink()
    with path.open("a", encoding="utf-8") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    faulthandler.enable()


class _LogFile(RotatingFileHandler):
    """Also opens a new file where another program took the old one away (logrotate, `rm`)."""

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802
        self._reopen_if_moved()
        return bool(super().shouldRollover(record))

    def _reopen_if_moved(self) -> None:
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
