"""Whether frames pile up in this process because OBS's extension takes none (macOS).

pyvirtualcam does not look whether a frame was taken, and never frees one that was not: 55 MB a
second at 1280x720. By its source the extension stops taking ours when OBS starts or stops its own
virtual camera. Nothing tells but the memory. Not yet seen on a Mac: should the memory of frames not
count as ours there, nothing is ever noticed.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Callable

WINDOW = 60  # frames between two looks
_SHARE = 0.9  # of a window's frames that are still there
_WINDOWS = 2  # in a row: nothing else in the daemon grows for so long

_LIBRARY = "/usr/lib/libproc.dylib"
_RUSAGE_INFO_V0 = 0


class Backlog:
    """
    Args:
        frame_bytes: of one frame.
        footprint: bytes of memory that this process has; None where it is not known.
    """

    def __init__(self, frame_bytes: int, footprint: Callable[[], int | None] | None = None) -> None:
        self._enough = _SHARE * WINDOW * frame_bytes
        self._footprint = footprint or own_footprint
        self._before = self._footprint()
        self._grown = 0

    def grows(self) -> bool:
        """To be asked after every WINDOW frames. Never raises."""
        now, before = self._footprint(), self._before
        self._before = now
        piled = now is not None and before is not None and now - before >= self._enough
        self._grown = self._grown + 1 if piled else 0
        return self._grown >= _WINDOWS


class _Usage(ctypes.Structure):
    """rusage_info_v0 (sys/resource.h)."""

    _fields_ = (
        ("uuid", ctypes.c_uint8 * 16),
        ("times_and_wakeups", ctypes.c_uint64 * 5),
        ("wired", ctypes.c_uint64),
        ("resident", ctypes.c_uint64),
        ("footprint", ctypes.c_uint64),
        ("started_and_ended", ctypes.c_uint64 * 2),
    )


def own_footprint() -> int | None:
    """What Activity Monitor calls memory; None elsewhere than on macOS."""
    if platform.system() != "Darwin":
        return None
    usage = _Usage()
    try:
        asked = ctypes.CDLL(_LIBRARY).proc_pid_rusage
    except (OSError, AttributeError):
        return None
    failed = asked(os.getpid(), _RUSAGE_INFO_V0, ctypes.byref(usage))
    return None if failed else int(usage.footprint)
