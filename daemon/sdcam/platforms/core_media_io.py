"""CoreMediaIO (macOS): properties of cameras, none of which needs a permission.

Headers: CMIOHardwareObject.h, CMIOHardwareSystem.h, CMIOHardwareDevice.h. Not yet run on a Mac.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Callable

from sdcam.platforms.names import OBS_DEVICE_UID

# (object, selector of four letters) -> the bytes of the property. Raises OSError.
ReadProperty = Callable[[int, str], bytes]

_LIBRARY = "/System/Library/Frameworks/CoreMediaIO.framework/CoreMediaIO"
_CORE_FOUNDATION = "/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation"
_SYSTEM_OBJECT = 1
_DEVICES = "dev#"
_UID = "uid "
_IS_RUNNING_SOMEWHERE = "gone"
_UTF8 = 0x08000100
_BAD_OBJECT = int.from_bytes(b"!obj", "big")


def device_numbers(read: ReadProperty) -> list[int]:
    """Raises OSError."""
    return [number for (number,) in struct.iter_unpack("=I", read(_SYSTEM_OBJECT, _DEVICES))]


def find_obs_camera(read: ReadProperty) -> int | None:
    """The number of OBS's camera; None where its extension is not active. A device that comes back
    has another number.

    Raises:
        OSError: CoreMediaIO cannot be asked.
    """
    return next((each for each in device_numbers(read) if _is_obs(read, each)), None)


def is_running(read: ReadProperty, device: int) -> bool:
    """kCMIODevicePropertyDeviceIsRunningSomewhere. Raises OSError: the device is gone."""
    return any(read(device, _IS_RUNNING_SOMEWHERE))


class CoreMediaIO:
    """The system's own `ReadProperty` is `CoreMediaIO().read`."""

    def __init__(self) -> None:
        """Raises OSError where there is no CoreMediaIO."""
        self._cmio = ctypes.CDLL(_LIBRARY)
        self._foundation = ctypes.CDLL(_CORE_FOUNDATION)
        number, pointer = ctypes.c_uint32, ctypes.c_void_p
        address, size = ctypes.POINTER(PropertyAddress), ctypes.POINTER(number)
        property_of = (number, address, number, pointer)
        self._cmio.CMIOObjectGetPropertyDataSize.argtypes = (*property_of, size)
        self._cmio.CMIOObjectGetPropertyData.argtypes = (*property_of, number, size, pointer)
        text = (pointer, ctypes.c_char_p, ctypes.c_long, number)
        self._foundation.CFStringGetCString.argtypes = text
        self._foundation.CFStringGetCString.restype = ctypes.c_ubyte
        self._foundation.CFRelease.argtypes = (pointer,)
        self._foundation.CFRelease.restype = None

    def read(self, thing: int, selector: str) -> bytes:
        """The bytes of a property; the text of one that is a CFString.

        Raises:
            OSError: the object is gone, or has no such property.
        """
        address = PropertyAddress(_four_letters(selector), _four_letters("glob"), 0)
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
        return self._text(found) if selector == _UID else found

    def _text(self, reference: bytes) -> bytes:
        string = ctypes.c_void_p(int.from_bytes(reference, "little"))
        if not string:
            return b""
        text = ctypes.create_string_buffer(256)
        self._foundation.CFStringGetCString(string, text, len(text), _UTF8)
        self._foundation.CFRelease(string)
        return text.value


class PropertyAddress(ctypes.Structure):
    """CMIOObjectPropertyAddress."""

    _fields_ = (
        ("selector", ctypes.c_uint32),
        ("scope", ctypes.c_uint32),
        ("element", ctypes.c_uint32),
    )


def _is_obs(read: ReadProperty, device: int) -> bool:
    try:
        return read(device, _UID).decode(errors="replace") == OBS_DEVICE_UID
    except OSError:  # unplugged a moment ago
        return False


def _four_letters(code: str) -> int:
    return int.from_bytes(code.encode("ascii"), "big")


def _check(status: int, selector: str) -> None:
    if status != 0:
        number = errno.ENODEV if status == _BAD_OBJECT else errno.EIO
        raise OSError(number, f"CoreMediaIO does not say '{selector}' (status {status})")
