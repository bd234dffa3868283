"""What a Video4Linux driver says about a node (linux/videodev2.h), without opening a stream."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from itertools import count

_CAP_VIDEO_CAPTURE = 0x1
_CAP_VIDEO_CAPTURE_MPLANE = 0x1000
_CAP_DEVICE_CAPS = 0x80000000  # device_caps speaks of this node, not of the whole device
_BUF_TYPE_VIDEO_CAPTURE = 1
_BUF_TYPE_VIDEO_CAPTURE_MPLANE = 9
_MOST_FORMATS = 64


@dataclass(frozen=True)
class Capability:
    driver: str  # "uvcvideo"
    name: str  # "HD Pro Webcam C920"
    bus: str  # "usb-0000:00:14.0-5"
    captures: bool
    formats: tuple[str, ...]  # "MJPG", "YUYV", ...


class _V4l2Capability(ctypes.Structure):
    _fields_ = (
        ("driver", ctypes.c_char * 16),
        ("card", ctypes.c_char * 32),
        ("bus_info", ctypes.c_char * 32),
        ("version", ctypes.c_uint32),
        ("capabilities", ctypes.c_uint32),
        ("device_caps", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 3),
    )


class _V4l2Fmtdesc(ctypes.Structure):
    _fields_ = (
        ("index", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("description", ctypes.c_char * 32),
        ("pixelformat", ctypes.c_uint32),
        ("mbus_code", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 3),
    )


def _request(direction: int, number: int, structure: type[ctypes.Structure]) -> int:
    """The ioctl number: _IOR('V', number, structure) for direction 2, _IOWR for 3."""
    return direction << 30 | ctypes.sizeof(structure) << 16 | ord("V") << 8 | number


VIDIOC_QUERYCAP = _request(2, 0, _V4l2Capability)
VIDIOC_ENUM_FMT = _request(3, 2, _V4l2Fmtdesc)


def query_capability(node: str) -> Capability:
    """Raises OSError where the node cannot be opened or is no Video4Linux node."""
    import fcntl  # not on Windows, where this module is still imported by type checkers

    descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        told = _V4l2Capability()
        fcntl.ioctl(descriptor, VIDIOC_QUERYCAP, told)
        flags = told.device_caps if told.capabilities & _CAP_DEVICE_CAPS else told.capabilities
        formats: list[str] = []
        kind = _BUF_TYPE_VIDEO_CAPTURE
        if flags & _CAP_VIDEO_CAPTURE_MPLANE:
            kind = _BUF_TYPE_VIDEO_CAPTURE_MPLANE
        for index in count():
            description = _V4l2Fmtdesc(index=index, type=kind)
            try:
                fcntl.ioctl(descriptor, VIDIOC_ENUM_FMT, description)
            except OSError:  # EINVAL ends the list
                break
            formats.append(_four_letters(description.pixelformat))
            if index == _MOST_FORMATS:  # a driver that never ends its list
                break
    finally:
        os.close(descriptor)
    return Capability(
        driver=_decoded(told.driver),
        name=_decoded(told.card),
        bus=_decoded(told.bus_info),
        captures=bool(flags & (_CAP_VIDEO_CAPTURE | _CAP_VIDEO_CAPTURE_MPLANE)),
        formats=tuple(formats),
    )


def _four_letters(code: int) -> str:
    """ "YUYV"; the highest bit marks big-endian samples: "Y16-BE"."""
    letters = (code & 0x7FFFFFFF).to_bytes(4, "little").decode("ascii").strip()
    return f"{letters}-BE" if code >> 31 else letters


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace").strip()
