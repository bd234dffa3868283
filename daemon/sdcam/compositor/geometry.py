"""Where a picture of one shape lies in a frame of another."""

from __future__ import annotations

from dataclasses import dataclass

from sdcam.arrays import Pixels


@dataclass(frozen=True)
class Rect:
    x: int
    y: int
    width: int
    height: int

    def of(self, picture: Pixels) -> Pixels:
        """The part of `picture` (H, W, ...) inside, as a view."""
        return picture[self.y : self.y + self.height, self.x : self.x + self.width]

    def in_plane(self, plane: Pixels, frame_width: int, frame_height: int) -> Pixels:
        """The same part of a plane (h, w, ...) of the frame, as a view. The plane is as large as
        the frame, or half as large along a side; then the edges must be even."""
        across, down = frame_width // plane.shape[1], frame_height // plane.shape[0]
        rect = Rect(self.x // across, self.y // down, self.width // across, self.height // down)
        return rect.of(plane)


def covering_cut(width: int, height: int, out_width: int, out_height: int) -> Rect:
    """The largest centred part of a picture that has the shape of the output, to a pixel."""
    if width * out_height <= height * out_width:  # the picture is the taller shape
        cut_width, cut_height = width, max(1, round(width * out_height / out_width))
    else:
        cut_width, cut_height = max(1, round(height * out_width / out_height)), height
    return Rect((width - cut_width) // 2, (height - cut_height) // 2, cut_width, cut_height)


def inside(width: int, height: int, out_width: int, out_height: int) -> Rect:
    """The largest centred place in the output that shows a whole picture in its own shape.

    Every edge is even, because I420 and UYVY keep chroma for pairs of pixels: an odd edge would
    smear the picture's colour into the bars.
    """
    scale = min(out_width / width, out_height / height)
    in_width = min(out_width, max(2, 2 * round(width * scale / 2)))
    in_height = min(out_height, max(2, 2 * round(height * scale / 2)))
    x = (out_width - in_width) // 2
    y = (out_height - in_height) // 2
    return Rect(x - x % 2, y - y % 2, in_width, in_height)
