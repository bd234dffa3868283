"""What a loopback device calls itself just now. With exclusive_caps that tells its state."""

from __future__ import annotations

import os
import struct
from enum import Enum

from sdcam.capture.cameras.v4l2 import VIDIOC_QUERYCAP

# struct v4l2_capability: driver, card, bus_info, version, capabilities, device_caps, reserved
_CAPABILITY = struct.Struct("=16s32s32s3I12x")
_CAPTURE, _OUTPUT = 0x1, 0x2


class State(Enum):
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
    *_, caps = _CAPABILITY.unpack(answer)
    return _state(caps)


def _state(caps: int) -> State:
    if caps & _CAPTURE:
        return State.BOTH if caps & _OUTPUT else State.WRITTEN
    return State.FREE if caps & _OUTPUT else State.STUCK
