"""A contact sheet: the camera beside the styled picture, a row for each style."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from sdcam.arrays import Pixels

_ROW = 360  # pixels, height of a picture
_GAP = 8
_LABEL = 44
_PAPER = (24, 22, 20)
_INK = (235, 235, 235)


def contact_sheet(rows: Sequence[tuple[str, Pixels, Pixels]]) -> Pixels:
    """
    Args:
        rows: label, camera picture, styled picture; RGB (H, W, 3), all of one size.

    Returns:
        BGR picture (h, w, 3); empty input gives an empty picture.
    """
    strips = [_strip(*row) for row in rows]
    if not strips:
        return np.zeros((0, 0, 3), np.uint8)
    return np.vstack(strips)


def _strip(label: str, camera: Pixels, styled: Pixels) -> Pixels:
    height, width = camera.shape[:2]
    size = (round(_ROW * width / height), _ROW)
    strip = np.full((_LABEL + _ROW + _GAP, 2 * size[0] + 3 * _GAP, 3), _PAPER, np.uint8)
    for index, picture in enumerate((camera, styled)):
        x = _GAP + index * (size[0] + _GAP)
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        strip[_LABEL : _LABEL + _ROW, x : x + size[0]] = small[..., ::-1]
    where = (_GAP + 4, _LABEL - 14)
    cv2.putText(strip, label, where, cv2.FONT_HERSHEY_SIMPLEX, 0.8, _INK, 2, cv2.LINE_AA)
    return strip
