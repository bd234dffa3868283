"""Whether the device that was opened is still there: neither driver says so to who sends.

Up to two looks a second, each of a few microseconds on Linux.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sdcam.platforms.core_media_io import (
    CoreMediaIO,
    ReadProperty,
    device_numbers,
    find_obs_camera,
)


class Presence(Protocol):
    def lost(self) -> bool:
        """True when the device is gone, or another one is in its place; False also where that
        cannot be known. Never raises."""
        ...


class NodePresence:
    """Of a device behind a node (Linux); another one may come under the same name."""

    def __init__(self, node: Path) -> None:
        self._node = node
        self._opened = _identity(node)

    def lost(self) -> bool:
        return _identity(self._node) != self._opened


class ExtensionPresence:
    """Of OBS's camera extension (macOS), in CoreMediaIO's list of devices, which needs no
    permission. A device that comes back has another number in it. Not yet seen on a Mac: should
    the list not be brought up to date in a process like ours, nothing is ever lost.

    Args:
        read: the bytes of a property of an object; None for CoreMediaIO's own.
    """

    def __init__(self, read: ReadProperty | None = None) -> None:
        self._read = read
        self._device: int | None = None
        self._missed = False
        try:
            self._read = read or CoreMediaIO().read
            self._device = find_obs_camera(self._read)
        except OSError:
            pass  # it cannot be known

    def lost(self) -> bool:
        """At the second look that misses it: while a camera is plugged in the list is remade."""
        if self._device is None or self._read is None:
            return False
        try:
            missing = self._device not in device_numbers(self._read)
        except OSError:
            return False
        lost, self._missed = missing and self._missed, missing
        return lost


def _identity(node: Path) -> tuple[int, int] | None:
    try:
        found = node.stat()
    except OSError:
        return None
    return found.st_ino, found.st_rdev
