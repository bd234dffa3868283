"""From RGB to the pixel format of a sink, by OpenCV: off the GIL, into the caller's buffer.

OpenCV's I420 and UYVY are BT.601 in limited range (black is Y 16, white Y 235), which is what
pyvirtualcam's own conversions give and what recordings are tagged with.
"""

from __future__ import annotations

import cv2

from sdcam.arrays import Pixels

_CODES = {
    "BGR": cv2.COLOR_RGB2BGR,
    "I420": cv2.COLOR_RGB2YUV_I420,
    "UYVY": cv2.COLOR_RGB2YUV_UYVY,
}


def convert(rgb: Pixels, pixel_format: str, out: Pixels) -> Pixels:
    """Writes `rgb` (H, W, 3) into `out`, whose shape is `frame_shape(pixel_format, W, H)`."""
    cv2.cvtColor(rgb, _CODES[pixel_format], dst=out)
    return out
