"""Small image filters that the teachers are made of.

Pictures are float32 arrays (H, W, 3), RGB in [0, 1]; planes are float32 (H, W). Lengths are pixels
of a 512-pixel frame. Every filter is local, within about 40 pixels, because a small convolutional
student sees no further.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float32]
Plane = npt.NDArray[np.float32]
Colour = tuple[float, float, float]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601
GRID = 8  # pixels of a latent cell


def colour(rgb: Colour) -> Picture:
    """A colour as an array that broadcasts over a picture."""
    return np.array(rgb, np.float32)


def luminance(picture: Picture) -> Plane:
    """Luma of the picture, (H, W) in the picture's range."""
    return np.asarray(picture @ _LUMA, np.float32)


def saturate(picture: Picture, amount: float) -> Picture:
    """Moves colours away from grey (amount > 1) or towards it (amount < 1)."""
    grey = luminance(picture)[..., None]
    return np.asarray(grey + (picture - grey) * amount, np.float32)


def contrast(picture: Picture, amount: float, pivot: float = 0.5) -> Picture:
    """Linear contrast about a pivot."""
    return np.asarray((picture - pivot) * amount + pivot, np.float32)


def blur(image: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    """Gaussian blur of a picture or a plane."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)


def wide_blur(plane: Plane, sigma: float) -> Plane:
    """Gaussian blur by a large sigma (8 or more), computed at a quarter of the size."""
    height, width = plane.shape
    small = cv2.resize(plane, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / 4)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def mix(first: Picture, second: Picture, share: Plane | Picture) -> Picture:
    """`first` where the share is 0, `second` where it is 1; a plane or (H, W, 1)."""
    if share.ndim == 2 and first.ndim == 3:
        share = share[..., None]
    return np.asarray(first + (second - first) * share, np.float32)


def step(plane: Plane, threshold: float, softness: float) -> Plane:
    """A soft threshold: 0 below, 1 above, rising over about four times `softness`."""
    return np.asarray(0.5 + 0.5 * np.tanh((plane - threshold) / (2 * softness)), np.float32)


def ramp(plane: Plane, low: float, high: float) -> Plane:
    """0 below `low`, 1 above `high` (or the reverse if high < low), straight in between."""
    return np.asarray(np.clip((plane - low) / (high - low), 0, 1), np.float32)


def posterize(plane: Plane, levels: int, hard: Plane | float) -> Plane:
    """Staircase of `levels` + 1 values over [0, 1].

    `hard` is the steepness of a step. Where it follows the local gradient (Winnemoeller, Real-Time
    Video Abstraction, 2006), edges of tones are crisp and slow shadings have no islands.
    """
    scaled = np.clip(plane, 0, 1) * levels
    floor = np.minimum(np.floor(scaled), levels - 1)
    middle = scaled - floor - 0.5
    rise = np.tanh(hard * middle) / np.tanh(0.5 * np.maximum(hard, 1e-3))
    return np.asarray((floor + 0.5 + 0.5 * rise) / levels, np.float32)


def gradient_map(plane: Plane, stops: Sequence[tuple[float, Colour]]) -> Picture:
    """Colours a plane through (position, colour) stops, positions ascending in [0, 1]."""
    positions = [position for position, _ in stops]
    channels = [
        np.interp(plane, positions, [stop[channel] for _, stop in stops]) for channel in range(3)
    ]
    return np.stack(channels, -1).astype(np.float32)


def guided_base(plane: Plane, radius: int, epsilon: float) -> Plane:
    """The large-scale light of a plane without halos: He et al., Guided Image Filtering, 2010."""
    size = (2 * radius + 1, 2 * radius + 1)
    mean = cv2.blur(plane, size)
    variance = np.maximum(cv2.blur(plane * plane, size) - mean * mean, 0)
    slope = variance / (variance + epsilon)
    return np.asarray(
        cv2.blur(slope, size) * plane + cv2.blur(mean * (1 - slope), size), np.float32
    )


def edge_strength(plane: Plane, sigma: float) -> Plane:
    """Gradient magnitude per pixel of the plane smoothed with `sigma`."""
    smooth = blur(plane, sigma)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0) / 8
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1) / 8
    return np.asarray(cv2.magnitude(across, down), np.float32)


def relief(height: Plane) -> Plane:
    """Light from the upper left on a plane taken as a height: positive where it catches light."""
    across, down = cv2.Sobel(height, cv2.CV_32F, 1, 0), cv2.Sobel(height, cv2.CV_32F, 0, 1)
    return np.asarray((across + down) / -8, np.float32)


def waves(shape: tuple[int, int], across: int, down: int) -> Plane:
    """A wave in [-1, 1] with `across` and `down` periods to a latent cell: the halftone screen."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    phase = (across * (columns + 0.5) + down * (rows + 0.5)) * (2 * np.pi / GRID)
    return np.asarray(np.cos(phase), np.float32)


def _coordinates(shape: tuple[int, ...]) -> tuple[Plane, Plane]:
    columns, rows = np.meshgrid(
        np.arange(shape[1], dtype=np.float32), np.arange(shape[0], dtype=np.float32)
    )
    return columns, rows


def _sample(image: npt.NDArray[np.float32], x: Plane, y: Plane) -> npt.NDArray[np.float32]:
    return np.asarray(
        cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.float32
    )


def displace(picture: Picture, across: Plane, down: Plane) -> Picture:
    """The picture with every pixel taken from (x + across, y + down)."""
    columns, rows = _coordinates(picture.shape)
    return _sample(picture, columns + across, rows + down)


STRIDE = 2.0  # pixels between the points of a stream line


@dataclass
class Flow:
    """A direction for the brush at every pixel, (x, y) of unit length; the sign means nothing."""

    x: Plane
    y: Plane
    _lines: list[tuple[Plane, Plane, Plane, Plane]] = field(default_factory=list)
    _heads: list[tuple[Plane, Plane, Plane, Plane]] = field(default_factory=list)

    @classmethod
    def at_angle(cls, cos2: Plane, sin2: Plane) -> Flow:
        """From cosine and sine of twice the angle, of any length."""
        angle = 0.5 * np.arctan2(sin2, cos2)
        return cls(np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32))

    @classmethod
    def straight(cls, shape: tuple[int, int], degrees: float) -> Flow:
        """The same direction everywhere."""
        angle = np.deg2rad(degrees)
        return cls(
            np.full(shape, np.cos(angle), np.float32), np.full(shape, np.sin(angle), np.float32)
        )

    def lines(self, count: int) -> list[tuple[Plane, Plane, Plane, Plane]]:
        """The first points of the stream lines through all pixels, both ways: (x, y, x', y')."""
        columns, rows = _coordinates(self.x.shape)
        packed = np.dstack([self.x, self.y])
        if not self._lines:
            self._heads = [(columns, rows, sign * self.x, sign * self.y) for sign in (1, -1)]
        while len(self._lines) < count:
            ends = []
            for number, (old_x, old_y, vx, vy) in enumerate(self._heads):
                x, y = old_x + STRIDE * vx, old_y + STRIDE * vy
                ends += [x, y]
                # Not interpolated: two opposite signs of one direction would cancel out.
                found = cv2.remap(packed, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT)
                sign = np.where(found[..., 0] * vx + found[..., 1] * vy < 0, -1, 1)
                sign = sign.astype(np.float32)
                self._heads[number] = (x, y, found[..., 0] * sign, found[..., 1] * sign)
            self._lines.append((ends[0], ends[1], ends[2], ends[3]))
        return self._lines[:count]

    def smear(self, image: npt.NDArray[np.float32], length: float) -> npt.NDArray[np.float32]:
        """Drags the paint `length` pixels each way: line integral convolution (Cabral, 1993)."""
        count = max(1, round(length / STRIDE))
        total, weights = image.copy(), 1.0
        for number, (x, y, back_x, back_y) in enumerate(self.lines(count)):
            weight = 1 - (number + 1) / (count + 1)
            total += weight * (_sample(image, x, y) + _sample(image, back_x, back_y))
            weights += 2 * weight
        return np.asarray(total / weights, np.float32)

    def kuwahara(self, picture: Picture, radius: float) -> Picture:
        """Flat paint with kept edges, longer along the flow (Kyprianidis, anisotropic Kuwahara).

        Eight sectors, weighted by the inverse square of their variance: the calmest one alone
        would flip from frame to frame.
        """
        columns, rows = _coordinates(picture.shape)
        mean = blur(picture, radius / 3)
        variance = np.maximum(blur(picture * picture, radius / 3) - mean * mean, 0).sum(-1)
        packed = np.dstack([mean, variance])
        total = np.zeros_like(packed)
        for sector in range(8):
            angle = sector * np.pi / 4
            along, across = radius * np.cos(angle), 0.5 * radius * np.sin(angle)
            x = columns + along * self.x - across * self.y
            y = rows + along * self.y + across * self.x
            found = _sample(packed, x.astype(np.float32), y.astype(np.float32))
            weight = 1 / (2e-4 + found[..., 3]) ** 2
            total[..., :3] += found[..., :3] * weight[..., None]
            total[..., 3] += weight
        return np.asarray(total[..., :3] / total[..., 3:], np.float32)


def edge_flow(plane: Plane, sigma: float) -> tuple[Plane, Plane, Plane]:
    """Twice the angle of the local edge direction as (cos, sin), and how clear it is in [0, 1].

    From the structure tensor smoothed with `sigma`.
    """
    smooth = blur(plane, 1.0)
    gx, gy = cv2.Scharr(smooth, cv2.CV_32F, 1, 0) / 32, cv2.Scharr(smooth, cv2.CV_32F, 0, 1) / 32
    xx, yy, xy = (blur(product, sigma) for product in (gx * gx, gy * gy, gx * gy))
    norm = np.sqrt((xx - yy) ** 2 + 4 * xy * xy)
    clear = norm / (xx + yy + 1e-6) * ramp(np.sqrt(xx + yy), 0.004, 0.022)
    # The edge runs across the gradient, hence the minus signs.
    cos2, sin2 = (yy - xx) / (norm + 1e-9), -2 * xy / (norm + 1e-9)
    return cos2.astype(np.float32), sin2.astype(np.float32), clear.astype(np.float32)
