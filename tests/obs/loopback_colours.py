"""Colours, and what OBS makes of them on Linux."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]  # RGB

COLOURS: dict[str, Colour] = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "red": (191, 0, 0),
    "green": (0, 191, 0),
    "blue": (0, 0, 191),
    "skin": (200, 150, 120),
    "grey": (128, 128, 128),
    "sky": (60, 90, 140),
}
_BT601, _BT709 = (0.299, 0.114), (0.2126, 0.0722)  # what red and blue add to the luma


def read_as_bt709(colour: Colour) -> Colour:
    """BT.601, which the product sends as webcams do, taken for BT.709, as OBS takes cameras."""
    sent = _to_yuv(_BT601) @ np.array(colour)
    read = np.linalg.solve(_to_yuv(_BT709), sent)
    red, green, blue = (int(value) for value in np.clip(np.round(read), 0, 255))
    return red, green, blue


def _to_yuv(matrix: tuple[float, float]) -> NDArray[np.float64]:
    """Rows Y, Cb, Cr, for RGB; range and offsets are the same in both."""
    red, blue = matrix
    luma = np.array([red, 1 - red - blue, blue])
    chroma_blue = (np.array([0, 0, 1]) - luma) / (2 - 2 * blue)
    chroma_red = (np.array([1, 0, 0]) - luma) / (2 - 2 * red)
    return np.stack([luma, chroma_blue, chroma_red])
