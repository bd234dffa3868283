"""What a loopback device calls itself just now, and how to free one that is stuck.

With exclusive_caps the capabilities of the device tell its state. Up to v4l2loopback 0.12.7, which
Debian 12 has, a writer that never asked for streaming (pyvirtualcam does not) is not missed when it
closes: the device stays what it was as long as an app shows it, then it is neither camera nor
output, and nobody can write to it again (v4l2loopback#470, pyvirtualcam#61).
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from sdcam.capture.cameras.v4l2 import VIDIOC_QUERYCAP

# struct v4l2_capability: driver, card, bus_info, version, capabilities, device_caps, reserved
_CAPABILITY = struct.Struct("=16s32s32s3I12x")
_CAPTURE, _OUTPUT = 0x1, 0x2
_STREAMON = 0x40045612
_TRY_FMT = 0xC0D05640
_FORMAT = struct.Struct("=I4x3I188x")  # struct v4l2_format: type; width, height, pixelformat, ...
_BUF_TYPE_VIDEO_OUTPUT = 2
_YUV420 = int.from_bytes(b"YU12", "little")
_DRIVERS = (b"v4l2 loopback", b"v4l2loopback")
_SILENCE_SECONDS = 2.0  # of a device that nobody writes to: at rest we send every second
_LOOK_SECONDS = 0.02


class State(Enum):
    ANOTHER = "a device of another driver"
    BOTH = "camera and output at once: made without exclusive_caps"
    WRITTEN = "a camera: somebody writes to it"
    FREE = "an output: it waits for a writer"
    STUCK = "neither: the last writer left, and it was not noticed"


def real_state(node: str, sys_root: Path = Path("/sys")) -> State:
    """As `query_state`; STUCK, too, where it calls itself written and gets no frame for two
    seconds. Newer drivers are believed: they would count who looks as an app."""
    state = query_state(node)
    believed = state is not State.WRITTEN or notices_who_leaves(sys_root)
    return state if believed or not _is_silent(node) else State.STUCK


def query_state(node: str) -> State:
    """What it says itself. Raises OSError where the node cannot be opened or is no Video4Linux
    node."""
    import fcntl

    answer = bytearray(_CAPABILITY.size)
    with _opened(node) as descriptor:
        fcntl.ioctl(descriptor, VIDIOC_QUERYCAP, answer)
    driver, *_, caps = _CAPABILITY.unpack(answer)
    return _state(caps) if driver.rstrip(b"\0") in _DRIVERS else State.ANOTHER


def notices_who_leaves(sys_root: Path) -> bool:
    """Whether the driver is 0.13 or later: only those tell their version."""
    return (sys_root / "module" / "v4l2loopback" / "version").exists()


def free(node: str) -> None:
    """Makes a device an output again that did not notice that its writer left.

    Who asks it for streaming is a writer, and missed when it closes; whether it is refused (nothing
    was ever sent) or not. Of a device that somebody writes to this would make a second writer.
    Raises OSError where the node cannot be opened.
    """
    import fcntl

    with _opened(node) as descriptor, contextlib.suppress(OSError):
        fcntl.ioctl(descriptor, _STREAMON, struct.pack("i", _BUF_TYPE_VIDEO_OUTPUT))


def kept_format(node: str, width: int, height: int) -> str:
    """What the device keeps to, "640x480 YUYV", in place of I420 of this size: what it had before,
    as long as an app shows it (or with keep_format); "" where it takes I420 of this size. Raises
    OSError where it cannot be asked."""
    import fcntl

    wanted = bytearray(_FORMAT.pack(_BUF_TYPE_VIDEO_OUTPUT, width, height, _YUV420))
    with _opened(node) as descriptor:
        fcntl.ioctl(descriptor, _TRY_FMT, wanted)
    _, *taken, code = _FORMAT.unpack(wanted)
    if (*taken, code) == (width, height, _YUV420):
        return ""
    return f"{taken[0]}x{taken[1]} {code.to_bytes(4, 'little').decode('ascii', 'replace')}"


def _is_silent(node: str) -> bool:
    with _opened(node) as descriptor:
        _takes_a_frame(descriptor)  # the last one
        until = time.monotonic() + _SILENCE_SECONDS
        while time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
            if _takes_a_frame(descriptor):
                return False
    return True


@contextlib.contextmanager
def _opened(node: str) -> Iterator[int]:
    descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _takes_a_frame(descriptor: int) -> bool:
    """One that this descriptor has not had yet."""
    try:
        os.read(descriptor, 1)
    except BlockingIOError:
        return False
    return True


def _state(caps: int) -> State:
    if caps & _CAPTURE:
        return State.BOTH if caps & _OUTPUT else State.WRITTEN
    return State.FREE if caps & _OUTPUT else State.STUCK
