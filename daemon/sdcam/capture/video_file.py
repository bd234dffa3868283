"""A video file as a source. It plays like a live camera: frames nobody fetched are gone."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from sdcam.capture.file_check import check_file
from sdcam.capture.opencv import cv2
from sdcam.capture.pace import Pace
from sdcam.capture.shape import delivered_size
from sdcam.capture.source import Pixels, SourceInfo
from sdcam.errors import SdcamError, UsageError

_FALLBACK_FPS = 30.0
# Phone videos are filmed upright or upside down and say so in their metadata.
_TURN = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


class VideoFile:
    """See `Source`. Starts over at its end, unless `once`: then `read` returns None."""

    def __init__(self, path: Path, once: bool = False) -> None:
        check_file(path, "video")
        self._path = path
        self._once = once
        self._capture = _open(path)
        self._waiting = self._capture.grab()  # a decoded frame that read() has yet to fetch
        picture = self._capture.retrieve()[1] if self._waiting else None
        if picture is None:
            self._capture.release()
            raise UsageError(
                f'"{path}" holds no pictures.', "Give a video with at least one frame."
            )

        self._turn = _TURN.get(round(self._capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360)
        height, width = picture.shape[:2]
        if self._turn in (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE):
            width, height = height, width
        self._decoded: Pixels = np.empty_like(picture)  # used when `out` has another shape
        self._turned: Pixels = np.empty((height, width, 3), np.uint8)
        width, height = delivered_size(width, height)
        fps = plausible_fps(self._capture.get(cv2.CAP_PROP_FPS))
        self.info = SourceInfo(name=path.name, width=width, height=height, fps=fps)
        self._pace = Pace(fps)

    def read(self, out: Pixels) -> int | None:
        if not self._next_frame():
            return None
        self._fetch(out)
        if self._pace.skip():  # decoding is slower than the video: it plays slower, unbroken
            self._pace.restart()
        return self._pace.wait()

    def close(self) -> None:
        self._capture.release()

    def _next_frame(self) -> bool:
        """Decodes the frame that is due, over those that a late reader missed."""
        if self._waiting:
            self._waiting = False
            return True
        for _ in range(self._pace.skip()):
            if not self._advance():
                return False
        return self._advance()

    def _advance(self) -> bool:
        if self._capture.grab():
            return True
        if self._once:
            return False
        # Opened again rather than rewound: not every container can seek.
        self._capture.release()
        check_file(self._path, "video")
        self._capture = _open(self._path)
        if not self._capture.grab():
            raise SdcamError(
                f'"{self._path}" could not be started over.', "The file changed while it played."
            )
        return True

    def _fetch(self, out: Pixels) -> None:
        """Turns and scales the decoded frame into `out`, with a detour only where it is needed."""
        target = out if self._turn is None and self._fits(self._decoded, out) else self._decoded
        ok, frame = self._capture.retrieve(target)
        if not ok:
            raise SdcamError(f'A frame of "{self._path}" cannot be decoded.', "Convert the video.")
        if frame is out:
            return
        if self._turn is not None:
            self._turned = frame = cv2.rotate(frame, self._turn, self._turned)
        if self._fits(frame, out):
            np.copyto(out, frame)
        else:
            cv2.resize(frame, (out.shape[1], out.shape[0]), out, interpolation=cv2.INTER_AREA)

    @staticmethod
    def _fits(frame: Pixels, out: Pixels) -> bool:
        return frame.shape == out.shape


def plausible_fps(fps: float) -> float:
    """Frames a second; 30 where a container says 0, its time base (90000), or not a number."""
    return fps if math.isfinite(fps) and 1.0 <= fps <= 240.0 else _FALLBACK_FPS


def _open(path: Path) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise UsageError(
            f'"{path}" is not a video that can be played.', "Give an MP4, MOV or WebM."
        )
    # Turned by OpenCV, every frame would be allocated anew.
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    return capture
