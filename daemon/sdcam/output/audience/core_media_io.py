"""Looking at OBS's camera extension (macOS), through CoreMediaIO. Not yet seen on a Mac.

`kCMIODevicePropertyDeviceIsRunningSomewhere` needs no permission. It knows no names, changes for
moments, and our own sending may count as running: it then always says "somebody", which is no worse
than not asking. Header: CMIOHardwareObject.h, CMIOHardwareSystem.h, CMIOHardwareDevice.h.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Callable

from sdcam.errors import MissingError
from sdcam.output.audience.sighting import Patience, Sight, Sighting

# The extension's device (obs-studio, plugins/mac-virtualcam); pyvirtualcam finds it by this, too.
OBS_DEVICE_UID = "7626645E-4425-469E-9D8B-97E0FA59AC75"
_LIBRARY = "/System/Library/Frameworks/CoreMediaIO.framework/CoreMediaIO"
_CORE_FOUNDATION = "/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation"
_SYSTEM_OBJECT = 1
_UTF8 = 0x08000100
_BAD_OBJECT = int.from_bytes(b"!obj", "big")
# Asked, not announced: a listener would need a run loop of its own to be sure of its calls.
_ASK_SECONDS = 0.2


class CameraExtensionLookout:
    """
    Raises:
        MissingError: OBS's extension is not active.
        OSError: CoreMediaIO cannot be asked.
    """

    patience = Patience(streaming_seconds=0.4)
    descriptors: tuple[tuple[int, int], ...] = ()

    def __init__(self, read: Callable[[int, str], bytes] | None = None) -> None:
        """`read(object, selector)` gives a property's bytes; None for CoreMediaIO's own."""
        self._read = read or CoreMediaIO().read
        self._device = self._find()

    def look(self) -> Sighting:
        running = any(self._read(self._device, "gone"))
        sight = Sight.STREAMING if running else Sight.NOBODY
        return Sighting(sight, None if running else (), _ASK_SECONDS)

    def close(self) -> None:
        """There is nothing to give back."""

    def _find(self) -> int:
        devices = self._read(_SYSTEM_OBJECT, "dev#")
        for (device,) in struct.iter_unpack("=I", devices):
            if self._read(device, "uid ").decode(errors="replace") == OBS_DEVICE_UID:
                return int(device)
        raise MissingError("The camera extension of OBS is not there.", "`sdcam doctor` says why.")


class _Address(ctypes.Structure):
    """CMIOObjectPropertyAddress."""

    _fields_ = (
        ("selector", ctypes.c_uint32),
        ("scope", ctypes.c_uint32),
        ("element", ctypes.c_uint32),
    )


class CoreMediaIO:
    """Properties as bytes; the text of those that are CFStrings."""

    def __init__(self) -> None:
        """Raises OSError where there is no CoreMediaIO."""
        self._cmio = ctypes.CDLL(_LIBRARY)
        self._foundation = ctypes.CDLL(_CORE_FOUNDATION)
        number, pointer = ctypes.c_uint32, ctypes.c_void_p
        address, told = ctypes.POINTER(_Address), ctypes.POINTER(number)
        asked = (number, address, number, pointer)
        self._cmio.CMIOObjectGetPropertyDataSize.argtypes = (*asked, told)
        self._cmio.CMIOObjectGetPropertyData.argtypes = (*asked, number, told, pointer)
        text = (pointer, ctypes.c_char_p, ctypes.c_long, number)
        self._foundation.CFStringGetCString.argtypes = text
        self._foundation.CFStringGetCString.restype = ctypes.c_ubyte
        self._foundation.CFRelease.argtypes = (pointer,)
        self._foundation.CFRelease.restype = None

    def read(self, thing: int, selector: str) -> bytes:
        """Raises OSError: the object is gone, or has no such property."""
        address = _Address(_four_letters(selector), _four_letters("glob"), 0)
        size = ctypes.c_uint32()
        _check(
            self._cmio.CMIOObjectGetPropertyDataSize(
                thing, ctypes.byref(address), 0, None, ctypes.byref(size)
            ),
            selector,
        )
        data = ctypes.create_string_buffer(max(1, size.value))
        used = ctypes.c_uint32()
        _check(
            self._cmio.CMIOObjectGetPropertyData(
                thing, ctypes.byref(address), 0, None, size, ctypes.byref(used), data
            ),
            selector,
        )
        found = data.raw[: used.value]
        return self._text(found) if selector == "uid " else found

    def _text(self, reference: bytes) -> bytes:
        string = ctypes.c_void_p(int.from_bytes(reference, "little"))
        if not string:
            return b""
        text = ctypes.create_string_buffer(256)
        self._foundation.CFStringGetCString(string, text, len(text), _UTF8)
        self._foundation.CFRelease(string)
        return text.value


def _four_letters(code: str) -> int:
    return int.from_bytes(code.encode("ascii"), "big")


def _check(status: int, selector: str) -> None:
    if status != 0:
        number = errno.ENODEV if status == _BAD_OBJECT else errno.EIO
        raise OSError(number, f"CoreMediaIO does not say '{selector}' (status {status})")
