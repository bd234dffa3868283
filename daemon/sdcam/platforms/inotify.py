"""inotify (Linux): a file was opened or closed by any program. Called in libc: three functions."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterator

_OPEN = 0x20
_CLOSE = 0x08 | 0x10  # after writing, after reading
_DELETE_SELF = 0x400
_UNMOUNT = 0x2000
_IGNORED = 0x8000
_GONE = _DELETE_SELF | _UNMOUNT | _IGNORED
_HEADER = struct.Struct("=iIII")  # watch, mask, cookie, length of the name that follows
_READ_BYTES = 64 << 10


class InotifyWatch:
    """`descriptor` becomes readable as soon as the file was opened or closed."""

    def __init__(self, path: str) -> None:
        """Raises OSError: no such file, or no (more) inotify for this user."""
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = int(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        if self.descriptor < 0:
            raise _last_error("inotify")
        mask = _OPEN | _CLOSE | _DELETE_SELF
        if libc.inotify_add_watch(self.descriptor, os.fsencode(path), mask) < 0:
            error = _last_error(path)
            self.close()
            raise error

    def take(self) -> bool:
        """Reads the events that wait; returns whether there were any.

        Raises:
            OSError: the file was deleted, or the driver of the device was unloaded.
        """
        happened = False
        while True:
            try:
                events = os.read(self.descriptor, _READ_BYTES)
            except BlockingIOError:
                return happened
            happened = True
            if any(mask & _GONE for mask in event_masks(events)):
                raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    def close(self) -> None:
        os.close(self.descriptor)


def event_masks(events: bytes) -> Iterator[int]:
    """The mask of each event that a read returned."""
    offset = 0
    while offset < len(events):
        _, mask, _, name_length = _HEADER.unpack_from(events, offset)
        yield mask
        offset += _HEADER.size + name_length


def _last_error(name: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), name)
