"""From a camera frame to the picture that the model sees: centre crop, resize, BGR to RGB."""

from __future__ import annotations

import math

import cv2
import numpy as np

from sdcam.arrays import Pixels

# Sigma of the blur before a resize by the ratio r, in pixels: _BLUR * sqrt(r^2 - 1), at least
# _LEAST_BLUR. Chosen on a zone plate for the aliases and the contrast of INTER_AREA
# (tests/unit/pipeline/test_framing.py).
_BLUR, _LEAST_BLUR = 0.55, 0.42


def centre_crop(width: int, height: int, aspect: float) -> tuple[int, int, int, int]:
    """The largest centred rectangle (x, y, width, height) of `aspect` = width / height."""
    crop_width = min(width, round(height * aspect))
    crop_height = min(height, round(width / aspect))
    return (width - crop_width) // 2, (height - crop_height) // 2, crop_width, crop_height


class Framing:
    """Brings camera frames to the model's size, without aliasing. Owns its scratch memory, which is
    allocated again only when the camera's size changes.

    INTER_AREA is exact but slow where the ratio is no integer: 2 to 4 ms a frame, before the
    networks. Halving with it is fast. What is left, a ratio below 2, is a light blur and a cubic
    resize: together a fifth of the time (`python -m benchmarks host`).

    Args:
        width, height: of the model's picture, pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._resized = np.empty((height, width, 3), np.uint8)
        self._source: tuple[int, ...] = ()
        self._crop = (slice(0), slice(0))
        self._halves: list[Pixels] = []
        self._blurred = self._resized

    def __call__(self, frame: Pixels, out: Pixels) -> None:
        """Args: frame, BGR (h, w, 3) of any size; out, RGB (height, width, 3)."""
        if frame.shape != self._source:
            self._prepare(frame.shape)
        picture = frame[self._crop]
        for half in self._halves:
            size = half.shape[1], half.shape[0]
            picture = cv2.resize(picture, size, half, interpolation=cv2.INTER_AREA)
        ratio = picture.shape[1] / self._size[0]
        method = cv2.INTER_LINEAR
        if ratio > 1:
            sigma = max(_LEAST_BLUR, _BLUR * math.sqrt(ratio * ratio - 1))
            picture = cv2.GaussianBlur(picture, (3, 3), sigma, self._blurred)
            method = cv2.INTER_CUBIC
        cv2.resize(picture, self._size, self._resized, interpolation=method)
        cv2.cvtColor(self._resized, cv2.COLOR_BGR2RGB, out)

    def _prepare(self, shape: tuple[int, ...]) -> None:
        """For a camera of this size: what is cropped, how often it is halved, memory for it."""
        width, height = self._size
        _, _, w, h = centre_crop(shape[1], shape[0], width / height)
        halvings = max(0, math.floor(math.log2(min(w / width, h / height))))
        w, h = w >> halvings << halvings, h >> halvings << halvings  # halving leaves no remainder
        x, y = (shape[1] - w) // 2, (shape[0] - h) // 2
        self._source = shape
        self._crop = slice(y, y + h), slice(x, x + w)
        self._halves = [np.empty((h >> n, w >> n, 3), np.uint8) for n in range(1, halvings + 1)]
        self._blurred = np.empty((h >> halvings, w >> halvings, 3), np.uint8)
