"""Video files and still images as sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sdcam.arrays import Pixels
from sdcam.capture.opencv import cv2
from sdcam.capture.pace import Pace
from sdcam.capture.source import Source, SourceInfo, delivered_size, plausible_fps
from sdcam.errors import MissingError, SdcamError, UsageError

# Phone videos are filmed upright or upside down and say so in their metadata.
_TURN = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


class VideoFile(Source):
    """Plays like a live camera: frames that nobody read in time are skipped. Starts over at its
    end, unless `once`: then `read` returns None.

    Raises:
        UsageError: not a video, or one without pictures.
        MissingError: there is no such file, or it cannot be read.
    """

    def __init__(self, path: Path, once: bool = False) -> None:
        check_file(path, "video")
        self._path = path
        self._once = once
        self._capture = _open(path)
        self._grabbed = self._capture.grab()  # a decoded frame that read() has yet to fetch
        picture = self._capture.retrieve()[1] if self._grabbed else None
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
        if self._pace.skip():  # decoding is slower than the video: play slower, without gaps
            self._pace.restart()
        return self._pace.wait()

    def close(self) -> None:
        self._capture.release()

    def _next_frame(self) -> bool:
        """Decodes the frame that is due, past those that a late reader missed."""
        if self._grabbed:
            self._grabbed = False
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
        # Reopened rather than rewound: not every container can seek.
        self._capture.release()
        check_file(self._path, "video")
        self._capture = _open(self._path)
        if not self._capture.grab():
            raise SdcamError(
                f'"{self._path}" could not be started over.', "The file changed while it played."
            )
        return True

    def _fetch(self, out: Pixels) -> None:
        """Turns and scales the decoded frame into `out`, through buffers only where needed."""
        direct = self._turn is None and self._decoded.shape == out.shape
        ok, frame = self._capture.retrieve(out if direct else self._decoded)
        if not ok:
            raise SdcamError(f'A frame of "{self._path}" cannot be decoded.', "Convert the video.")
        if frame is out:
            return
        if self._turn is not None:
            self._turned = frame = cv2.rotate(frame, self._turn, self._turned)
        if frame.shape == out.shape:
            np.copyto(out, frame)
        else:
            cv2.resize(frame, (out.shape[1], out.shape[0]), out, interpolation=cv2.INTER_AREA)


class StillImage(Source):
    """Every frame is the same picture with a new capture time.

    Raises:
        UsageError: not an image.
        MissingError: there is no such file, or it cannot be read.
    """

    def __init__(self, path: Path, fps: float) -> None:
        check_file(path, "image")
        self._picture = _load(path)
        height, width = self._picture.shape[:2]
        self.info = SourceInfo(name=path.name, width=width, height=height, fps=fps)
        self._pace = Pace(fps)

    def read(self, out: Pixels) -> int | None:
        self._pace.skip()
        now = self._pace.wait()
        np.copyto(out, self._picture)
        return now

    def close(self) -> None:
        """Holds nothing."""


def check_file(path: Path, what: str) -> None:
    """OpenCV fails without a reason where a file cannot be read, so the reason is found first.

    Args:
        path: must be a readable file that is not empty.
        what: "video" or "image".

    Raises:
        UsageError: a folder or an empty file.
        MissingError: there is no such file, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            first = file.read(1)
    except FileNotFoundError:
        raise MissingError(
            f'There is no file "{path}".', f"Check the path of the {what}."
        ) from None
    except PermissionError:
        raise MissingError(
            f'"{path}" may not be read.', f'Allow it with: chmod u+r "{path}"'
        ) from None
    except IsADirectoryError:
        raise UsageError(f'"{path}" is a folder.', f"Name one {what} file in it.") from None
    except OSError as error:
        raise MissingError(
            f'"{path}" cannot be read: {error.strerror}.', f"Copy the {what} to another disk."
        ) from error
    if not first:
        raise UsageError(f'"{path}" is empty.', f"Give a {what} with something in it.")


def _open(path: Path) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise UsageError(
            f'"{path}" is not a video that can be played.', "Give an MP4, MOV or WebM."
        )
    # OpenCV would allocate every frame that it turns.
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    return capture


def _load(path: Path) -> Pixels:
    """BGR, in the delivered size, turned as its EXIF orientation says."""
    try:
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR_BGR)
        whole = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # more pixels than OpenCV accepts
        picture = whole = None
    if picture is None or whole is None:
        raise UsageError(
            f'"{path}" is not an image that can be read.', "Give a PNG, JPEG, WebP, TIFF or BMP."
        )
    if whole.ndim == 3 and whole.shape[2] == 4 and whole.shape[:2] == picture.shape[:2]:
        picture = _on_white(picture, whole[:, :, 3])
    height, width = picture.shape[:2]
    size = delivered_size(width, height)
    if size == (width, height):
        return np.ascontiguousarray(picture)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _on_white(picture: Pixels, alpha: Pixels) -> Pixels:
    """Transparent parts show white, not the colour that happens to be stored beneath."""
    share = (alpha.astype(np.float32) / np.iinfo(alpha.dtype).max)[:, :, None]
    return np.asarray(picture * share + 255 * (1 - share) + 0.5, dtype=np.uint8)
