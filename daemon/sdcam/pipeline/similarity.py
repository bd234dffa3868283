"""Which frames need no inference: identical ones never do, similar ones at random.

The stochastic filter is StreamDiffusion's (Kodaira et al. 2023, section 3.4): with the
similarity s of this frame to the last one that was inferred and the threshold eta, a frame is
skipped with probability max(0, (s - eta) / (1 - eta)).
"""

from __future__ import annotations

import cv2
import numpy as np

from sdcam.arrays import Pixels

_SMALL = (32, 32)  # divides every size of a model, where INTER_AREA is fast
_LONGEST_RUN = 10  # of skipped frames, so that slow drifts are followed


class SimilarityFilter:
    def __init__(self, width: int, height: int, seed: int = 0) -> None:
        self._reference = np.zeros((height, width, 3), np.uint8)
        self._reference_small = np.zeros((_SMALL[1], _SMALL[0], 3), np.uint8)
        self._small = np.zeros_like(self._reference_small)
        self._due = 1
        self._run = 0
        self._random = np.random.default_rng(seed)

    def insist(self, frames: int) -> None:
        """The next `frames` frames are inferred whatever they are (the look has changed)."""
        self._due = max(self._due, frames)

    def skips(self, frame: Pixels, threshold: float) -> bool:
        """Whether the last result can stand for `frame` (H, W, 3) too.

        Args:
            threshold: similarity above which frames may be skipped, 0 to 1; 0 or 1 skips
                identical frames only.
        """
        if self._due > 0:
            self._due -= 1
        else:
            if cv2.norm(frame, self._reference, cv2.NORM_INF) == 0:  # allocates nothing
                return True
            if 0.0 < threshold < 1.0 and self._run < _LONGEST_RUN and self._draws(frame, threshold):
                self._run += 1
                return True
        np.copyto(self._reference, frame)
        cv2.resize(frame, _SMALL, self._reference_small, interpolation=cv2.INTER_AREA)
        self._run = 0
        return False

    def _draws(self, frame: Pixels, threshold: float) -> bool:
        cv2.resize(frame, _SMALL, self._small, interpolation=cv2.INTER_AREA)
        a = self._small.astype(np.float32).ravel()
        b = self._reference_small.astype(np.float32).ravel()
        cosine = float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-9))
        chance = max(0.0, (cosine - threshold) / (1.0 - threshold))
        return bool(self._random.random() < chance)
