"""The log: one line for a change of state, never one a frame."""

from __future__ import annotations

import logging
import sys


def start_logging(level: str) -> None:
    """Lines for people, to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line("%(asctime)s %(levelname)s %(part)s: %(message)s", "%H:%M:%S"))
    root = logging.getLogger("sdcam")
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    root.propagate = False


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.part = record.name.rpartition(".")[2]
        record.levelname = record.levelname.lower()
        return super().format(record)
