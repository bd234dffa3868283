"""A look through the camera: opened as the service opens it, in a process of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from sdcam.capture.source import Pixels, SourceInfo
from sdcam.errors import SdcamError
from sdcam.workers.capture import MAX_FRAME_BYTES, SourceSpec, capture_main
from sdcam.workers.child import Child
from sdcam.workers.frame_pool import FrameSlots
from sdcam.workers.records import CameraFrame, Opened

# A camera without pictures is told by the process itself within seconds; these are for one that
# hangs, on a machine that is slow or busy.
_OPEN_SECONDS = 45.0
_SILENCE_SECONDS = 10.0
_SLOTS = 2
_BLACK = 4  # of 255: a closed shutter, with its noise


@dataclass(frozen=True)
class Look:
    """
    Attributes:
        fps: that came, 0.0 where it was a single frame.
        moves: whether a frame differed from the one before it.
        black: whether the last one was.
    """

    info: SourceInfo
    fps: float
    moves: bool
    black: bool


def look_through(source: SourceSpec, seconds: float = 1.5) -> Look:
    """
    Args:
        seconds: to look, from the first frame on.

    Raises:
        SdcamError: it does not open, or sends nothing; why.
    """
    slots = FrameSlots.allocate(_SLOTS, MAX_FRAME_BYTES)
    child = Child("capture", capture_main, slots, source)
    try:
        for slot in range(_SLOTS):
            child.send(slot)
        return _watch(child, slots, seconds)
    except (EOFError, ConnectionResetError, BrokenPipeError):
        raise child.fault() from None
    finally:
        child.stop()


def _watch(child: Child, slots: FrameSlots, seconds: float) -> Look:
    info: SourceInfo | None = None
    last: Pixels | None = None
    times: list[int] = []
    moves = False
    patience = _OPEN_SECONDS
    while not times or times[-1] - times[0] < seconds * 1e9:
        if not child.pipe.poll(patience):
            raise SdcamError(
                f"The camera hangs: nothing came from it for {patience:.0f} seconds.",
                "Plug it in again; a built-in one comes back after a restart.",
            )
        message = child.pipe.recv()
        patience = _SILENCE_SECONDS
        if isinstance(message, SdcamError):
            raise message
        if isinstance(message, Opened):
            info = message.info
        elif isinstance(message, CameraFrame):
            frame = slots.view(message.slot, (message.height, message.width, 3))
            moves = moves or (last is not None and not np.array_equal(frame, last))
            last = frame.copy()
            child.send(message.slot)
            times.append(time.monotonic_ns())
    assert info is not None
    assert last is not None
    span = (times[-1] - times[0]) / 1e9
    return Look(info, (len(times) - 1) / span, moves, bool(last.max() <= _BLACK))
