"""The layouts that a sink may ask for. All are uint8 and C-contiguous.

BGR   (H, W, 3)    full range
I420  (H*3/2, W)   the Y plane, then U and V at half the width and height; BT.601, limited range
UYVY  (H, W, 2)    U Y V Y, chroma at half the width; BT.601, limited range
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sink import Pixels


def frame_shape(pixel_format: str, width: int, height: int) -> tuple[int, ...]:
    """Shape of one frame. Width and height are even, as `[output]` demands."""
    shapes: dict[str, tuple[int, ...]] = {
        "BGR": (height, width, 3),
        "I420": (height * 3 // 2, width),
        "UYVY": (height, width, 2),
    }
    if pixel_format not in shapes:
        raise ValueError(f'pixel format "{pixel_format}" is none of {", ".join(shapes)}')
    return shapes[pixel_format]


def check_frame(frame: Pixels, shape: tuple[int, ...], sink: str) -> None:
    """ValueError for a frame that the sink would read as garbage, or past its end."""
    if frame.shape != shape or frame.dtype != "uint8" or not frame.flags.c_contiguous:
        raise ValueError(
            f"{sink} takes contiguous uint8 frames of shape {shape}, "
            f"not {frame.dtype} of shape {frame.shape}"
        )
