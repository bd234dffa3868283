"""Video4Linux: the requests that sdcam makes and their structures, on 64-bit Linux.

Source: linux/videodev2.h. A request number holds the size of its structure, so a wrong layout is
refused by the kernel with ENOTTY.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass

if sys.platform != "win32":
    import fcntl

# In the order of their fields; x is padding, reserved, or of no use here.
# driver, card, bus_info, version, capabilities, device_caps
_CAPABILITY = struct.Struct("=16s32s32s3I12x")
_FMTDESC = struct.Struct("=3I32sI16x")  # index, type, flags, description, pixelformat
_FORMAT = struct.Struct("=I4x3I188x")  # type; of the union: width, height, pixelformat
_SUBSCRIPTION = struct.Struct("=3I20x")  # type, id, flags
_EVENT = struct.Struct("=I4xI60xI60x")  # type; the first number of the union; pending
_INT = struct.Struct("=i")

_WRITE, _READ = 1, 2


def _request(direction: int, number: int, argument: struct.Struct) -> int:
    """_IOW, _IOR or _IOWR('V', number, argument) of linux/ioctl.h."""
    return direction << 30 | argument.size << 16 | ord("V") << 8 | number


QUERYCAP = _request(_READ, 0, _CAPABILITY)
ENUM_FMT = _request(_READ | _WRITE, 2, _FMTDESC)
STREAMON = _request(_WRITE, 18, _INT)
TRY_FMT = _request(_READ | _WRITE, 64, _FORMAT)
DQEVENT = _request(_READ, 89, _EVENT)
SUBSCRIBE_EVENT = _request(_WRITE, 90, _SUBSCRIPTION)

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
        answer = bytearray(_CAPABILITY.size)
        fcntl.ioctl(descriptor, QUERYCAP, answer)
        driver, card, bus, _, capabilities, device_caps = _CAPABILITY.unpack(answer)
        flags = device_caps if capabilities & _CAP_DEVICE_CAPS else capabilities
        planes = flags & _CAP_VIDEO_CAPTURE_MPLANE
        kind = _BUF_TYPE_VIDEO_CAPTURE_MPLANE if planes else _BUF_TYPE_VIDEO_CAPTURE
        return Capability(
            driver=_text(driver),
            name=_text(card),
            bus=_text(bus),
            captures=bool(flags & (_CAP_VIDEO_CAPTURE | _CAP_VIDEO_CAPTURE_MPLANE)),
            formats=tuple(_formats(descriptor, kind)),
            takes_output=bool(flags & _CAP_VIDEO_OUTPUT),
        )


def try_output_format(node: str, width: int, height: int, code: str) -> tuple[int, int, str]:
    """(width, height, four letters) that the node would take in place of those.

    Raises:
        OSError: the node cannot be opened or asked.
    """
    letters = int.from_bytes(code.encode("ascii"), "little")
    answer = bytearray(_FORMAT.pack(_BUF_TYPE_VIDEO_OUTPUT, width, height, letters))
    with opened(node) as descriptor:
        fcntl.ioctl(descriptor, TRY_FMT, answer)
    _, width, height, letters = _FORMAT.unpack(answer)
    return width, height, _four_letters(letters)


def start_output_streaming(descriptor: int) -> None:
    """Raises OSError where the driver refuses."""
    fcntl.ioctl(descriptor, STREAMON, _INT.pack(_BUF_TYPE_VIDEO_OUTPUT))


def subscribe(descriptor: int, event: int) -> None:
    """Asks for the events of a type; the first one, of this moment, comes at once.

    Raises:
        OSError: the driver has no such event.
    """
    wanted = _SUBSCRIPTION.pack(event, 0, _EVENT_SUB_FL_SEND_INITIAL)
    fcntl.ioctl(descriptor, SUBSCRIBE_EVENT, wanted)


def events(descriptor: int) -> Iterator[tuple[int, int]]:
    """(type, first number) of the events that wait.

    Raises:
        OSError: the device is gone.
    """
    pending = 1
    while pending:
        event = bytearray(_EVENT.size)
        try:
            fcntl.ioctl(descriptor, DQEVENT, event)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EAGAIN):  # none waits
                return
            raise
        kind, number, pending = _EVENT.unpack(event)
        yield kind, number


def _formats(descriptor: int, kind: int) -> Iterator[str]:
    for index in range(_MOST_FORMATS):
        description = bytearray(_FMTDESC.pack(index, kind, 0, b"", 0))
        try:
            fcntl.ioctl(descriptor, ENUM_FMT, description)
        except OSError:  # EINVAL ends the list
            return
        yield _four_letters(_FMTDESC.unpack(description)[-1])


def _four_letters(code: int) -> str:
    """ "YUYV"; the highest bit marks big-endian samples: "Y16-BE"."""
    letters = (code & 0x7FFFFFFF).to_bytes(4, "little").decode("ascii", "replace").strip()
    return f"{letters}-BE" if code >> 31 else letters


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace").strip()
