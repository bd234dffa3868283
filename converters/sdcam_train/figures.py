"""What pictures are measured by: uint8 RGB (H, W, 3) in, one number out."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

CELL = 8  # pixels of a latent cell


def _grey(picture: Pixels) -> Floats:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float64)


def psnr(first: npt.NDArray[np.generic], second: npt.NDArray[np.generic]) -> float:
    """Decibels between two pictures in 0 to 255."""
    error = np.mean((first.astype(np.float64) - second.astype(np.float64)) ** 2)
    return float(10 * np.log10(255**2 / max(float(error), 1e-6)))


def ssim(first: Pixels, second: Pixels) -> float:
    """Structural similarity of the lumas (Wang et al. 2004), Gaussian windows of sigma 1.5."""
    x, y = _grey(first), _grey(second)

    def mean(plane: Floats) -> Floats:
        return np.asarray(cv2.GaussianBlur(plane, (11, 11), 1.5), np.float64)

    mx, my = mean(x), mean(y)
    vx, vy = mean(x * x) - mx * mx, mean(y * y) - my * my
    covariance = mean(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = (2 * mx * my + c1) * (2 * covariance + c2)
    return float((similarity / ((mx * mx + my * my + c1) * (vx + vy + c2))).mean())


def _spectrum(plane: Floats) -> Floats:
    height, width = plane.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    return np.asarray(np.abs(np.fft.fft2(plane * window)) ** 2, np.float64)


def lattice(picture: Pixels) -> float:
    """How much the picture repeats with the latent cell, in dB.

    The power at multiples of 1/8 cycles per pixel over that of the neighbouring frequencies; a
    picture of a camera has about 0.6.
    """
    grey = _grey(picture)
    height, width = (extent // 64 * 64 for extent in grey.shape)
    grey = grey[:height, :width]
    power = _spectrum(grey - cv2.GaussianBlur(grey, (0, 0), CELL))
    around = np.arange(-7, 8)
    centre = np.zeros((15, 15), bool)
    centre[6:9, 6:9] = True
    peak = near = 0.0
    for down in range(CELL):
        for across in range(CELL):
            if down or across:
                rows = (down * height // CELL + around) % height
                columns = (across * width // CELL + around) % width
                block = power[np.ix_(rows, columns)]
                peak += float(block[centre].mean())
                near += float(np.median(block[~centre]))
    return float(10 * np.log10(peak / near))


def stroke_energy(picture: Pixels) -> float:
    """The power of the luma between 1/16 and 1/4 cycles per pixel: brush marks, hatching, lines."""
    grey = _grey(picture)
    power = _spectrum(grey - grey.mean())
    down, across = (np.fft.fftfreq(extent) for extent in grey.shape)
    frequency = np.hypot(down[:, None], across[None])
    return float(power[(frequency >= 1 / 16) & (frequency <= 1 / 4)].sum())


def edge_agreement(first: Pixels, second: Pixels) -> float:
    """Correlation of where two pictures have edges, -1 to 1, be they dark lines or light ones."""
    edges = []
    for picture in (first, second):
        grey = cv2.GaussianBlur(_grey(picture), (0, 0), 1.2)
        slope = np.hypot(cv2.Sobel(grey, cv2.CV_64F, 1, 0), cv2.Sobel(grey, cv2.CV_64F, 0, 1))
        edges.append(cv2.GaussianBlur(slope, (0, 0), 1.5))
    return float(np.corrcoef(edges[0].ravel(), edges[1].ravel())[0, 1])
