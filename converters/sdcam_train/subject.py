"""What sits before the painters: a picture, the grain it is painted with, and what they see in it.

The grain is the noise of the four latent channels that the encoder leaves empty, (H / 8, W / 8, 4):
the student sees the same numbers, so it can paint the same hatching and the same brush marks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from .filters import Flow, Picture, Plane, blur, edge_flow, luminance, ramp, wide_blur

# The order and signs in which a field takes a cell's four numbers for the quarters of the cell.
# Any two rows are orthogonal at every quarter, so the fields do not resemble each other.
_FIELDS = (
    ((0, 1), (1, 1), (2, 1), (3, 1)),
    ((1, 1), (0, -1), (3, 1), (2, -1)),
    ((2, 1), (3, -1), (0, -1), (1, 1)),
    ((3, 1), (2, 1), (1, -1), (0, -1)),
)


def unit(plane: Plane, spread: float) -> Plane:
    """A plane of noise over its expected standard deviation, without heavy tails."""
    return np.asarray(np.tanh(plane / (2.5 * spread)) * 2.5, np.float32)


def smeared_spread(length: float) -> float:
    """The standard deviation that unit noise keeps when it is smeared."""
    return float(0.98 / (1 + length / 4.5) ** 0.5)


@dataclass
class Subject:
    """A picture (H, W, 3) in [0, 1] and its grain (H / 8, W / 8, 4) of unit variance."""

    picture: Picture
    grain: Picture

    @property
    def shape(self) -> tuple[int, int]:
        return self.picture.shape[0], self.picture.shape[1]

    def noise(self, field: int, sigma: float = 0.8) -> Plane:
        """One of four fields of noise with marks of 4 pixels or, blurred, more; unit variance."""
        height, width = self.shape
        cells = np.zeros((height // 8, width // 8, 4), np.float32)
        for quarter, (number, sign) in enumerate(_FIELDS[field]):
            cells[..., quarter] = sign * self.grain[..., number]
        fine = cells.reshape(height // 8, width // 8, 2, 2).transpose(0, 2, 1, 3)
        fine = fine.reshape(height // 4, width // 4)
        if sigma >= 8:
            slow = cv2.GaussianBlur(fine, (0, 0), sigma / 4)
            field_ = cv2.resize(slow, (width, height), interpolation=cv2.INTER_LINEAR)
        else:
            field_ = cv2.resize(fine, (width, height), interpolation=cv2.INTER_CUBIC)
            field_ = cv2.GaussianBlur(field_, (0, 0), sigma)
        spread = 1 / np.sqrt(1.2 + (0.844 * sigma) ** 2)  # of white noise of 4-pixel marks, blurred
        return unit(np.asarray(field_, np.float32), float(spread))

    @cached_property
    def light(self) -> Plane:
        """Luma without the sensor's noise."""
        return blur(luminance(self.picture), 0.8)

    @cached_property
    def detail(self) -> Plane:
        """1 where small marks matter (eyes, mouths, letters), 0 on calm surfaces."""
        marks = np.abs(blur(self.light, 0.7) - blur(self.light, 3.5))
        close, around = blur(marks, 2.5), wide_blur(marks, 9.0)
        busy = np.maximum(ramp(close, 0.010, 0.045), 0.8 * ramp(around, 0.010, 0.030))
        return np.asarray(busy, np.float32)

    @cached_property
    def edges(self) -> tuple[Plane, Plane, Plane]:
        """`edge_flow` of the light, for lines."""
        return edge_flow(self.light, 2.0)

    @cached_property
    def line_flow(self) -> Flow:
        """Along the edges: where ink lines run."""
        return Flow.at_angle(*self.edges[:2])

    @cached_property
    def brush(self) -> Flow:
        """Along the forms; on calm surfaces a slant that wanders slowly, as a hand does."""
        cos2, sin2, clear = edge_flow(self.light, 4.0)
        wander = np.deg2rad(2 * (-50 + 22 * self.noise(1, 24)))
        clear = ramp(clear, 0.25, 0.75)
        cos2 = clear * cos2 + (1 - clear) * np.cos(wander)
        sin2 = clear * sin2 + (1 - clear) * np.sin(wander)
        return Flow.at_angle(blur(cos2, 3.0), blur(sin2, 3.0))

    @cached_property
    def paint(self) -> Picture:
        """The picture in flat touches along the forms, finer where there is detail."""
        broad = self.brush.kuwahara(self.picture, 9)
        fine = self.line_flow.kuwahara(self.picture, 4)
        return np.asarray(broad + (fine - broad) * self.detail[..., None], np.float32)

    @cached_property
    def flat(self) -> Picture:
        """Flat areas with clean borders, for inks: Kuwahara twice, then bilateral."""
        once = self.line_flow.kuwahara(self.picture, 7)
        twice = self.line_flow.kuwahara(once, 6)
        return np.asarray(cv2.bilateralFilter(twice, 7, 0.07, 5), np.float32)

    def strokes(self, field: int, length: float, width: float = 0.9) -> Plane:
        """Brush marks: noise dragged along the brush, unit variance."""
        marks = self.brush.smear(self.noise(field, width), length)
        return unit(marks, smeared_spread(length))

    def ink(self, sigma: float, low: float, high: float, length: float = 6) -> Plane:
        """Key lines, 1 = ink: difference of Gaussians made coherent along the edges (FDoG).

        `low` and `high` bound the soft threshold.
        """
        light = luminance(self.picture)
        difference = blur(light, sigma * 1.6) - blur(light, sigma)
        return ramp(self.line_flow.smear(difference, length), low, high)

    def crispness(self, low: float, high: float) -> Plane:
        """How hard a step of tone may be for `posterize`: as the flat colours change nearby."""
        light = luminance(self.flat)
        slope = np.abs(blur(light, 1.0) - wide_blur(light, 8.0))
        return np.asarray(low + (high - low) * ramp(blur(slope, 1.5), 0.01, 0.06), np.float32)
