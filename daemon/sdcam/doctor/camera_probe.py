"""A look through the camera: opened as the service opens it, in a process of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np

from sdcam.capture import SourceInfo, open_source
from sdcam.errors import SdcamError
from sdcam.settings import CameraSettings
from sdcam.workers.child import Child

# A camera without pictures is told by the process itself within seconds; this is for one that
# hangs, on a machine that is slow or busy.
_PATIENCE_SECONDS = 45.0
_BLACK = 4  # of 255: a closed shutter, with its noise


@dataclass(frozen=True)
class CameraProbe:
    """
    Attributes:
        fps: that came.
        moves: whether a frame differed from the one before it.
        black: whether the last one was.
    """

    info: SourceInfo
    fps: float
    moves: bool
    black: bool


def look_through(source: str, camera: CameraSettings, seconds: float = 1.5) -> CameraProbe:
    """
    Args:
        source: as for `sdcam run --source`.
        seconds: to look, from the first frame on.

    Raises:
        SdcamError: it does not open, or sends nothing; why.
    """
    child = Child("capture", _look_main, source, camera, seconds)
    try:
        if not child.pipe.poll(_PATIENCE_SECONDS):
            raise SdcamError(
                f"The camera hangs: nothing came from it for {_PATIENCE_SECONDS:.0f} seconds.",
                "Plug it in again; a built-in one comes back after a restart.",
            )
        told = child.pipe.recv()
    except (EOFError, ConnectionResetError):
        raise SdcamError(
            child.fault().what, "Try once more; the lines before these belong into a bug report."
        ) from None
    finally:
        child.stop()
    if isinstance(told, SdcamError):
        raise told
    assert isinstance(told, CameraProbe)
    return told


def _look_main(pipe: Connection, source: str, camera: CameraSettings, seconds: float) -> None:
    try:
        pipe.send(_look(source, camera, seconds))
    except SdcamError as error:
        pipe.send(error)


def _look(spec: str, camera: CameraSettings, seconds: float) -> CameraProbe:
    source = open_source(spec, camera)
    try:
        frame = np.empty((source.info.height, source.info.width, 3), np.uint8)
        source.read(frame)
        began, count, moves = time.monotonic(), 0, False
        while (now := time.monotonic()) - began < seconds or not count:
            last = frame.copy()
            source.read(frame)
            count += 1
            moves = moves or not np.array_equal(frame, last)
        return CameraProbe(
            source.info, count / max(now - began, 1e-3), moves, bool(frame.max() <= _BLACK)
        )
    finally:
        source.close()
