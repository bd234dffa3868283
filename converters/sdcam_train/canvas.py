"""A picture to draw on: soft-edged shapes laid over each other, colours and smooth noise.

Pictures are float32 RGB (H, W, 3) in [0, 1], masks float32 (H, W) in [0, 1], lengths in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from .filters import Picture, Plane

Random = np.random.Generator


@dataclass
class Canvas:
    """A picture with its pixel coordinates, on which soft-edged shapes are laid."""

    picture: Picture
    rows: Plane
    columns: Plane

    @classmethod
    def plain(cls, size: int, rgb: npt.NDArray[np.float32]) -> Canvas:
        rows, columns = np.mgrid[:size, :size].astype(np.float32)
        picture = np.empty((size, size, 3), np.float32)
        picture[:] = rgb
        return cls(picture, rows, columns)

    def lay(self, mask: Plane, rgb: npt.NDArray[np.float32]) -> None:
        """Covers with a colour, or with a picture, where the mask is 1."""
        self.picture += mask[..., None] * (rgb - self.picture)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, edge: float = 1.2, power: float = 2.0
    ) -> Plane:
        """Mask of a (super-)ellipse whose border is about `edge` pixels soft."""
        u, v = np.abs(self.columns - x) / rx, np.abs(self.rows - y) / ry
        radius = (u**power + v**power) ** (1 / power)
        return np.asarray(np.clip((1 - radius) * min(rx, ry) / edge + 0.5, 0, 1), np.float32)

    def box(self, left: float, top: float, right: float, bottom: float) -> Plane:
        """Mask of an upright rectangle."""
        across = np.clip(self.columns - left + 0.5, 0, 1) * np.clip(
            right - self.columns + 0.5, 0, 1
        )
        down = np.clip(self.rows - top + 0.5, 0, 1) * np.clip(bottom - self.rows + 0.5, 0, 1)
        return np.asarray(across * down, np.float32)

    def stroke(self, points: npt.NDArray[np.float32], width: float) -> Plane:
        """Mask of a line through points (N, 2) as (x, y)."""
        mask = np.zeros(self.rows.shape, np.uint8)
        shifted = np.round(points * 16).astype(np.int32)
        thickness = max(1, round(width))
        cv2.polylines(mask, [shifted], False, 255, thickness, cv2.LINE_AA, 4)
        return np.asarray(mask.astype(np.float32) / 255, np.float32)

    def polygon(self, points: npt.NDArray[np.float32]) -> Plane:
        """Mask of a polygon through points (N, 2) as (x, y)."""
        mask = np.zeros(self.rows.shape, np.uint8)
        cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return np.asarray(mask.astype(np.float32) / 255, np.float32)


def any_colour(random: Random, low: float = 0.05, high: float = 0.95) -> npt.NDArray[np.float32]:
    """Any colour; half of them tamed towards grey, as rooms are."""
    rgb = random.uniform(low, high, 3).astype(np.float32)
    if random.random() < 0.5:
        rgb = rgb.mean() + (rgb - rgb.mean()) * 0.35
    return np.asarray(rgb, np.float32)


def smooth_noise(random: Random, size: int, cells: int, rows: int | None = None) -> Plane:
    """Noise of about unit variance, `cells` bumps across and `rows` (or as many) down."""
    coarse = random.normal(size=(rows or cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)
