"""Exponential smoothing of styled frames, one step a *styled* frame whatever the output rate."""

from __future__ import annotations

import cv2
import numpy as np

from sdcam.arrays import Pixels


class ExponentialSmoothing:
    """shown = share * shown before + (1 - share) * new, kept in float so that it converges."""

    def __init__(self, width: int, height: int) -> None:
        self._mean = np.empty((height, width, 3), np.float32)
        self._started = False

    def reset(self) -> None:
        """The next frame is shown as it is."""
        self._started = False

    def __call__(self, frame: Pixels, share: float) -> None:
        """Smooths `frame` (H, W, 3) in place; `share` of what was shown before, 0 to 1."""
        if not self._started:
            np.copyto(self._mean, frame)
            self._started = True
            return
        cv2.accumulateWeighted(frame, self._mean, 1.0 - share)
        if share > 0:
            cv2.convertScaleAbs(self._mean, frame)
