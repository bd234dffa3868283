"""A still image as a source: the same picture, at the camera's frame rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sdcam.capture.file_check import check_file
from sdcam.capture.opencv import cv2
from sdcam.capture.pace import Pace
from sdcam.capture.shape import delivered_size
from sdcam.capture.source import Pixels, SourceInfo
from sdcam.errors import UsageError


class StillImage:
    """See `Source`. Every frame is the same picture with a fresh capture time."""

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
        """There is nothing to give back."""


def _load(path: Path) -> Pixels:
    """BGR, uint8, in the size that is delivered; turned as its EXIF orientation says."""
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
    """What is transparent shows white, not the colour that happens to be stored beneath."""
    share = (alpha.astype(np.float32) / np.iinfo(alpha.dtype).max)[:, :, None]
    return np.asarray(picture * share + 255 * (1 - share) + 0.5, dtype=np.uint8)
