"""Small image filters that the teachers are made of.

Pictures are float32 arrays (H, W, 3), RGB in [0, 1]; planes are float32 (H, W). Lengths are pixels
of a 512-pixel frame. Every filter is a smooth function of its input, so that camera noise comes out
smaller than it went in.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float32]
Plane = npt.NDArray[np.float32]
Colour = tuple[float, float, float]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601
GRID = 8  # pixels of a latent cell: the only texture phase that an 8x autoencoder can know


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


def step(plane: Plane, threshold: float, softness: float) -> Plane:
    """A soft threshold: 0 below, 1 above, rising over about four times `softness`."""
    return np.asarray(0.5 + 0.5 * np.tanh((plane - threshold) / (2 * softness)), np.float32)


def posterize(plane: Plane, levels: int, sharpness: float) -> Plane:
    """Staircase of `levels` soft steps over [0, 1]."""
    scaled = np.clip(plane, 0, 1) * levels
    floor = np.minimum(np.floor(scaled), levels - 1)
    rise = 0.5 + 0.5 * np.tanh(sharpness * (scaled - floor - 0.5) / 2)
    return np.asarray((floor + rise) / levels, np.float32)


def gradient_map(plane: Plane, stops: Sequence[tuple[float, Colour]]) -> Picture:
    """Colours a plane through (position, colour) stops, positions ascending in [0, 1]."""
    positions = [position for position, _ in stops]
    channels = [
        np.interp(plane, positions, [stop[channel] for _, stop in stops]) for channel in range(3)
    ]
    return np.stack(channels, -1).astype(np.float32)


def kuwahara(picture: Picture, radius: int) -> Picture:
    """Four-sector Kuwahara filter with soft selection: flat paint, kept edges.

    Kuwahara et al. 1976. Sectors are weighted by the inverse fourth power of their variance instead
    of taking the calmest one, which would flip from frame to frame.
    """
    size, half = (radius + 1, radius + 1), radius // 2
    light = luminance(picture)
    mean = cv2.blur(picture, size)
    light_mean = cv2.blur(light, size)
    variance = np.maximum(cv2.blur(light * light, size) - light_mean * light_mean, 0)
    weight = (1 / (variance + 4e-4) ** 4).astype(np.float32)
    weight /= weight.max()
    packed = np.dstack([mean * weight[..., None], weight])
    height, width = light.shape
    padded = cv2.copyMakeBorder(packed, half, half, half, half, cv2.BORDER_REFLECT)
    total = np.full(packed.shape, 1e-20, np.float32)
    for dy in (0, 2 * half):
        for dx in (0, 2 * half):
            total += padded[dy : dy + height, dx : dx + width]
    return np.asarray(total[..., :3] / total[..., 3:], np.float32)


def guided_base(plane: Plane, radius: int, epsilon: float) -> Plane:
    """The large-scale light of a plane without halos: He et al., Guided Image Filtering, 2010."""
    size = (2 * radius + 1, 2 * radius + 1)
    mean = cv2.blur(plane, size)
    variance = np.maximum(cv2.blur(plane * plane, size) - mean * mean, 0)
    slope = variance / (variance + epsilon)
    return np.asarray(
        cv2.blur(slope, size) * plane + cv2.blur(mean * (1 - slope), size), np.float32
    )


def features(picture: Picture) -> Picture:
    """The marks between pixel noise and form (eyes, lips), (H, W, 1): what broad paint loses."""
    light = luminance(picture)
    return (blur(light, 1.0) - blur(light, 4.0))[..., None]


def edge_strength(plane: Plane, sigma: float) -> Plane:
    """Gradient magnitude per pixel of the plane smoothed with `sigma`."""
    smooth = blur(plane, sigma)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0) / 8
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1) / 8
    return np.asarray(cv2.magnitude(across, down), np.float32)


def ink(plane: Plane, sigma: float, low: float, high: float) -> Plane:
    """Ink lines on the dark side of edges, 1 = ink, 0 = paper.

    Difference of Gaussians (Winnemoeller, XDoG, 2011); `low` and `high` bound the soft threshold.
    """
    difference = blur(plane, sigma * 1.6) - blur(plane, sigma)
    return np.asarray(np.clip((difference - low) / (high - low), 0, 1), np.float32)


def orientation(plane: Plane, sigma: float) -> tuple[Plane, Plane]:
    """Twice the angle of the local edge direction as (cos, sin), scaled by how clear it is.

    From the smoothed structure tensor; (0, 0) where nothing points anywhere.
    """
    smooth = blur(plane, 1.5)
    gx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0) / 8
    gy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1) / 8
    xx, yy, xy = (blur(product, sigma) for product in (gx * gx, gy * gy, gx * gy))
    norm = np.sqrt((xx - yy) ** 2 + 4 * xy * xy) + 2e-4
    # The edge runs across the gradient, hence the minus signs.
    return np.asarray((yy - xx) / norm, np.float32), np.asarray(-2 * xy / norm, np.float32)


def smear(picture: Picture, cos2: Plane, sin2: Plane, length: float, taps: int = 7) -> Picture:
    """Drags the paint along the direction given as twice its angle (line integral convolution)."""
    angle = 0.5 * np.arctan2(sin2, cos2)
    dx, dy = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    height, width = angle.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    total = np.zeros_like(picture)
    for offset in np.linspace(-length, length, taps, dtype=np.float32):
        total += cv2.remap(
            picture,
            columns + offset * dx,
            rows + offset * dy,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
    return np.asarray(total / taps, np.float32)


def stripes(shape: tuple[int, int], across: int, down: int) -> Plane:
    """A wave in [-1, 1] with `across` and `down` periods to a latent cell: hatching, canvas."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    phase = (across * (columns + 0.5) + down * (rows + 0.5)) * (2 * np.pi / GRID)
    return np.asarray(np.cos(phase), np.float32)


def relief(plane: Plane, sigma: float) -> Plane:
    """Light from the upper left on the plane taken as a height: positive where it catches light."""
    smooth = blur(plane, sigma)
    return np.asarray(
        (cv2.Sobel(smooth, cv2.CV_32F, 1, 0) + cv2.Sobel(smooth, cv2.CV_32F, 0, 1)) / 8, np.float32
    )
