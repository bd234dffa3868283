"""What a loopback device calls itself just now, and how to free one that is stuck.

With exclusive_caps the capabilities of the device tell its state. Up to v4l2loopback 0.12.7, which
Debian 12 has, a writer that never asked for streaming (pyvirtualcam does not) is not missed when it
closes: the device stays neither camera nor output, and nobody can write to it again
(v4l2loopback#470, pyvirtualcam#61).
"""

from __future__ import annotations

import contextlib
import os
import struct
from enum import Enum

from sdcam.capture.cameras.v4l2 import VIDIOC_QUERYCAP

# struct v4l2_capability: driver, card, bus_info, version, capabilities, device_caps, reserved
_CAPABILITY = struct.Struct("=16s32s32s3I12x")
_CAPTURE, _OUTPUT = 0x1, 0x2
_STREAMON = 0x40045612
_BUF_TYPE_VIDEO_OUTPUT = 2


_DRIVERS = (b"v4l2 loopback", b"v4l2loopback")


class State(Enum):
    ANOTHER = "a device of another driver"
    BOTH = "camera and output at once: made without exclusive_caps"
    WRITTEN = "a camera: somebody writes to it"
    FREE = "an output: it waits for a writer"
    STUCK = "neither: the last writer left, and it was not noticed"


def query_state(node: str) -> State:
    """Raises OSError where the node cannot be opened or is no Video4Linux node."""
    import fcntl

    answer = bytearray(_CAPABILITY.size)
    descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, VIDIOC_QUERYCAP, answer)
    finally:
        os.close(descriptor)
    driver, *_, caps = _CAPABILITY.unpack(answer)
    return _state(caps) if driver.rstrip(b"\0") in _DRIVERS else State.ANOTHER


def free_if_stuck(node: str) -> bool:
    """Makes a device that is stuck an output again; True if it was stuck.

    To ask it for streaming is refused, and on the way to the refusal the driver puts its state
    right. A device in any other state is left alone.
    """
    import fcntl

    try:
        if query_state(node) is not State.STUCK:
            return False
        descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # whoever opens it next says why
        return False
    try:
        with contextlib.suppress(OSError):
            fcntl.ioctl(descriptor, _STREAMON, struct.pack("i", _BUF_TYPE_VIDEO_OUTPUT))
    finally:
        os.close(descriptor)
    return True


def _state(caps: int) -> State:
    if caps & _CAPTURE:
        return State.BOTH if caps & _OUTPUT else State.WRITTEN
    return State.FREE if caps & _OUTPUT else State.STUCK
