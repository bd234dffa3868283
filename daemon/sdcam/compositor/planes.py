"""Pictures drawn into frames plane by plane: converted at their own size, then scaled.

The conversion touches the small picture instead of the large frame. The chroma of every pixel is
kept until the scaling averages it; OpenCV's own conversion takes the chroma of every fourth pixel
of the frame, which aliases. Chroma lies in the middle of its pixels, as V4L2 and libyuv have it.
"""

from __future__ import annotations

import cv2
import numpy as np

from sdcam.arrays import Pixels
from sdcam.compositor.geometry import Rect
from sdcam.output.sink import frame_shape

# RGB to Y, U, V by BT.601 in limited range (black is Y 16, white Y 235): what pyvirtualcam's own
# conversions give, and what recordings are tagged with. The last column is an offset.
_BT601 = np.array(
    [
        [0.256788, 0.504129, 0.097906, 16.0],
        [-0.148223, -0.290993, 0.439216, 128.0],
        [0.439216, -0.367788, -0.071427, 128.0],
    ],
    np.float32,
)
_BGR = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], np.float32)


class Layers:
    """Converts pictures of one size into the layers that a pixel format has: Y, U and V, or the
    whole picture for BGR. All are as large as the picture."""

    def __init__(self, pixel_format: str, width: int, height: int) -> None:
        self.shape = (height, width, 3)
        is_bgr = pixel_format == "BGR"
        self._matrix = _BGR if is_bgr else _BT601
        self._converted = np.zeros(self.shape, np.uint8)
        self._split = [] if is_bgr else [np.zeros(self.shape[:2], np.uint8) for _ in range(3)]

    def of(self, rgb: Pixels) -> list[Pixels]:
        """The layers of `rgb`, valid until the next call."""
        cv2.transform(rgb, self._matrix, dst=self._converted)
        if not self._split:
            return [self._converted]
        cv2.split(self._converted, self._split)
        return self._split


class Frame:
    """A frame of a pixel format, and the planes that are drawn into.

    I420 has Y (H, W), U and V (H/2, W/2), which are views of the frame. UYVY has Y (H, W), U and V
    (H, W/2), which `finish` interleaves. BGR has the frame itself.
    """

    def __init__(self, pixel_format: str, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._frame = np.zeros(frame_shape(pixel_format, width, height), np.uint8)
        self._interleaves = pixel_format == "UYVY"
        self._planes: tuple[Pixels, ...] = (self._frame,)
        self._black: tuple[int, ...] = (0,)
        if pixel_format != "BGR":
            self._black = (16, 128, 128)
        if pixel_format == "I420":
            u, v = self._frame[height:].reshape(2, height // 2, width // 2)
            self._planes = (self._frame[:height], u, v)
        elif self._interleaves:
            half = (height, width // 2)
            self._planes = (
                np.zeros((height, width), np.uint8),
                np.zeros(half, np.uint8),
                np.zeros(half, np.uint8),
            )

    def fill_black(self) -> None:
        for plane, value in zip(self._planes, self._black, strict=True):
            plane.fill(value)

    def draw(self, layers: list[Pixels], place: Rect | None = None, soft: bool = False) -> None:
        """Scales a picture to fill a place.

        Args:
            layers: of the picture, any size.
            place: with even edges; None for the whole frame.
            soft: interpolates linearly, for a picture without detail.
        """
        for index, (layer, plane) in enumerate(zip(layers, self._planes, strict=True)):
            out = place.in_plane(plane, self._width, self._height) if place else plane
            _scale(layer, out, linear=soft or index > 0)

    def finish(self) -> Pixels:
        """The frame, once its planes are drawn."""
        if self._interleaves:
            y, u, v = self._planes
            pairs = u.shape
            # Channels of the sources: U is 0, Y 1 and 2, V 3. Those of the frame: U Y V Y.
            sources = [u, y.reshape(*pairs, 2), v]
            cv2.mixChannels(sources, [self._frame.reshape(*pairs, 4)], [0, 0, 1, 1, 3, 2, 2, 3])
        return self._frame


def _scale(layer: Pixels, out: Pixels, linear: bool) -> None:
    """Cubic keeps brush strokes sharp in luma, where the eye sees them; averaging by area does not
    alias. Chroma is always made from pixels of about its own size, where linear does as well."""
    (height, width), (out_height, out_width) = layer.shape[:2], out.shape[:2]
    shrinks = max(width / out_width, height / out_height)
    how = cv2.INTER_LINEAR if linear else cv2.INTER_CUBIC
    if shrinks > (2 if linear else 1):
        how = cv2.INTER_AREA
    cv2.resize(layer, (out_width, out_height), dst=out, interpolation=how)
