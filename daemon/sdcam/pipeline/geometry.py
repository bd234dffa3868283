"""From a camera frame to the picture that the model sees: centre crop, resize, BGR to RGB."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def centre_crop(width: int, height: int, aspect: float) -> tuple[int, int, int, int]:
    """The largest centred rectangle (x, y, width, height) of `aspect` = width / height."""
    crop_width = min(width, round(height * aspect))
    crop_height = min(height, round(width / aspect))
    return (width - crop_width) // 2, (height - crop_height) // 2, crop_width, crop_height


class Framing:
    """Brings camera frames to the model's size. Owns its scratch memory.

    Args:
        width, height: of the model's picture, pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._resized = np.empty((height, width, 3), np.uint8)

    def __call__(self, frame: Pixels, out: Pixels) -> None:
        """Args: frame, BGR (h, w, 3) of any size; out, RGB (height, width, 3)."""
        x, y, w, h = centre_crop(frame.shape[1], frame.shape[0], self._size[0] / self._size[1])
        # Area averaging when shrinking: linear sampling would alias, which the model would paint.
        shrinks = w > self._size[0]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        cv2.resize(frame[y : y + h, x : x + w], self._size, self._resized, interpolation=method)
        cv2.cvtColor(self._resized, cv2.COLOR_BGR2RGB, out)
