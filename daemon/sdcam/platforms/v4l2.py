"""Video4Linux: the requests that sdcam makes and their structures, on 64-bit Linux.

Source: linux/videodev2.h. A request number holds the size of its structure, so a wrong layout is
refused by the kernel with ENOTTY.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

if sys.platform != "win32":
    import fcntl

_U8, _U32, _I64 = ctypes.c_uint8, ctypes.c_uint32, ctypes.c_int64


class _Capability(ctypes.Structure):
    """struct v4l2_capability"""

    _fields_ = (
        ("driver", ctypes.c_char * 16),
        ("card", ctypes.c_char * 32),
        ("bus_info", ctypes.c_char * 32),
        ("version", _U32),
        ("capabilities", _U32),
        ("device_caps", _U32),
        ("reserved", _U32 * 3),
    )


class _FormatDescription(ctypes.Structure):
    """struct v4l2_fmtdesc"""

    _fields_ = (
        ("index", _U32),
        ("type", _U32),
        ("flags", _U32),
        ("description", ctypes.c_char * 32),
        ("pixelformat", _U32),
        ("mbus_code", _U32),
        ("reserved", _U32 * 3),
    )


class _Format(ctypes.Structure):
    """struct v4l2_format with a v4l2_pix_format in its union of 200 bytes"""

    _fields_ = (
        ("type", _U32),
        ("_alignment", _U32),
        ("width", _U32),
        ("height", _U32),
        ("pixelformat", _U32),
        ("rest", _U8 * 188),
    )


class _Subscription(ctypes.Structure):
    """struct v4l2_event_subscription"""

    _fields_ = (("type", _U32), ("id", _U32), ("flags", _U32), ("reserved", _U32 * 5))


class _Event(ctypes.Structure):
    """struct v4l2_event; of the union of 64 bytes only the first number is named"""

    _fields_ = (
        ("type", _U32),
        ("_alignment", _U32),
        ("value", _U32),
        ("rest", _U8 * 60),
        ("pending", _U32),
        ("sequence", _U32),
        ("timestamp", _I64 * 2),
        ("id", _U32),
        ("reserved", _U32 * 8),
    )


_WRITE, _READ = 1, 2


def _request(direction: int, number: int, argument: type) -> int:
    """_IOW, _IOR or _IOWR('V', number, argument) of linux/ioctl.h."""
    return direction << 30 | ctypes.sizeof(argument) << 16 | ord("V") << 8 | number


QUERYCAP = _request(_READ, 0, _Capability)
ENUM_FMT = _request(_READ | _WRITE, 2, _FormatDescription)
STREAMON = _request(_WRITE, 18, ctypes.c_int)
TRY_FMT = _request(_READ | _WRITE, 64, _Format)
DQEVENT = _request(_READ, 89, _Event)
SUBSCRIBE_EVENT = _request(_WRITE, 90, _Subscription)

_CAP_VIDEO_CAPTURE = 0x1
_CAP_VIDEO_OUTPUT = 0x2
_CAP_VIDEO_CAPTURE_MPLANE = 0x1000
_CAP_DEVICE_CAPS = 0x80000000  # device_caps describes this node, capabilities the whole device
_BUF_TYPE_VIDEO_CAPTURE = 1
_BUF_TYPE_VIDEO_OUTPUT = 2
_BUF_TYPE_VIDEO_CAPTURE_MPLANE = 9
_EVENT_SUB_FL_SEND_INITIAL = 1
_MOST_FORMATS = 64  # for a driver that never ends its list


@dataclass(frozen=True)
class Capability:
    """What a driver says of one node."""

    driver: str  # "uvcvideo"
    name: str  # "HD Pro Webcam C920"
    bus: str  # "usb-0000:00:14.0-5"
    captures: bool
    formats: tuple[str, ...]  # "MJPG", "YUYV", ...
    takes_output: bool = False


@contextlib.contextmanager
def opened(node: str) -> Iterator[int]:
    """A descriptor of the node, without blocking reads. Raises OSError."""
    descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def query_capability(node: str) -> Capability:
    """Asks the driver without starting a stream.

    Raises:
        OSError: the node cannot be opened, or is no Video4Linux node.
    """
    with opened(node) as descriptor:
        told = _Capability()
        fcntl.ioctl(descriptor, QUERYCAP, told)
        flags = told.device_caps if told.capabilities & _CAP_DEVICE_CAPS else told.capabilities
        planes = flags & _CAP_VIDEO_CAPTURE_MPLANE
        kind = _BUF_TYPE_VIDEO_CAPTURE_MPLANE if planes else _BUF_TYPE_VIDEO_CAPTURE
        return Capability(
            driver=_decoded(told.driver),
            name=_decoded(told.card),
            bus=_decoded(told.bus_info),
            captures=bool(flags & (_CAP_VIDEO_CAPTURE | _CAP_VIDEO_CAPTURE_MPLANE)),
            formats=tuple(_formats(descriptor, kind)),
            takes_output=bool(flags & _CAP_VIDEO_OUTPUT),
        )


def try_output_format(node: str, width: int, height: int, code: str) -> tuple[int, int, str]:
    """(width, height, four letters) that the node would take in place of those.

    Raises:
        OSError: the node cannot be opened or asked.
    """
    wanted = _Format(
        type=_BUF_TYPE_VIDEO_OUTPUT,
        width=width,
        height=height,
        pixelformat=int.from_bytes(code.encode("ascii"), "little"),
    )
    with opened(node) as descriptor:
        fcntl.ioctl(descriptor, TRY_FMT, wanted)
    return wanted.width, wanted.height, _four_letters(wanted.pixelformat)


def start_output_streaming(descriptor: int) -> None:
    """Raises OSError where the driver refuses."""
    fcntl.ioctl(descriptor, STREAMON, ctypes.c_int(_BUF_TYPE_VIDEO_OUTPUT))


def subscribe(descriptor: int, event: int) -> None:
    """Asks for the events of a type; the first one, of this moment, comes at once.

    Raises:
        OSError: the driver has no such event.
    """
    wanted = _Subscription(type=event, flags=_EVENT_SUB_FL_SEND_INITIAL)
    fcntl.ioctl(descriptor, SUBSCRIBE_EVENT, wanted)


def events(descriptor: int) -> Iterator[tuple[int, int]]:
    """(type, first number) of the events that wait.

    Raises:
        OSError: the device is gone.
    """
    pending = 1
    while pending:
        event = _Event()
        try:
            fcntl.ioctl(descriptor, DQEVENT, event)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EAGAIN):  # none waits
                return
            raise
        yield event.type, event.value
        pending = event.pending


def _formats(descriptor: int, kind: int) -> Iterator[str]:
    for index in range(_MOST_FORMATS):
        description = _FormatDescription(index=index, type=kind)
        try:
            fcntl.ioctl(descriptor, ENUM_FMT, description)
        except OSError:  # EINVAL ends the list
            return
        yield _four_letters(description.pixelformat)


def _four_letters(code: int) -> str:
    """ "YUYV"; the highest bit marks big-endian samples: "Y16-BE"."""
    letters = (code & 0x7FFFFFFF).to_bytes(4, "little").decode("ascii", "replace").strip()
    return f"{letters}-BE" if code >> 31 else letters


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace").strip()
