"""The test pattern: a camera that every machine has, and whose frames are numbered."""

from __future__ import annotations

import numpy as np

from sdcam.arrays import Pixels
from sdcam.capture.opencv import cv2
from sdcam.capture.pace import Pace
from sdcam.capture.source import Source, SourceInfo

# EBU colour bars at 75 %, BGR.
_BARS = [
    (191, 191, 191),
    (0, 191, 191),
    (191, 191, 0),
    (0, 191, 0),
    (191, 0, 191),
    (0, 0, 191),
    (191, 0, 0),
    (16, 16, 16),
]
COUNTER_BITS = 16


class TestPattern(Source):
    """Scrolling bars, a bouncing ball, and the frame's number twice.

    The number stands in figures at the top left, and in the lowest 1/16 of the picture as
    COUNTER_BITS blocks, black for 0 and white for 1, the highest bit first: a program can read it
    off any later picture.
    """

    __test__ = False  # not a test case, whatever its name looks like to pytest

    def __init__(self, width: int, height: int, fps: float) -> None:
        self.info = SourceInfo(name="test pattern", width=width, height=height, fps=fps)
        self._pace = Pace(fps)
        self._bars = _scrollable_bars(width, height)
        self._number = -1

    def read(self, out: Pixels) -> int | None:
        self._number += 1 + self._pace.skip()
        self._draw(out)
        return self._pace.wait()

    def close(self) -> None:
        """Holds nothing."""

    def _draw(self, out: Pixels) -> None:
        height, width = out.shape[:2]
        seconds = self._number / self.info.fps
        scroll = int(seconds * width / 16) % width  # once around in 16 s
        np.copyto(out, self._bars[:, scroll : scroll + width])

        radius = max(2, height // 10)
        x = _bounce(seconds * width / 4, radius, width - radius)
        y = _bounce(seconds * height / 3, radius, height - height // 16 - radius)
        cv2.circle(out, (x, y), radius, (255, 255, 255), -1, cv2.LINE_AA)
        cv2.circle(out, (x, y), radius // 2, (40, 90, 230), -1, cv2.LINE_AA)

        scale = height / 480
        place = (int(16 * scale), int(40 * scale))
        cv2.putText(
            out,
            f"test {self._number:06d}",
            place,
            cv2.FONT_HERSHEY_SIMPLEX,
            scale,
            (255, 255, 255),
            max(1, round(2 * scale)),
            cv2.LINE_AA,
        )
        top = height - height // 16
        for bit in range(COUNTER_BITS):
            left, right = (width * i // COUNTER_BITS for i in (bit, bit + 1))
            out[top:, left:right] = 255 * (self._number >> (COUNTER_BITS - 1 - bit) & 1)


def _scrollable_bars(width: int, height: int) -> Pixels:
    """BGR, (height, 2 * width, 3): two pictures side by side, a window of which moves."""
    bars = np.asarray(_BARS, np.uint8)[np.arange(width) * len(_BARS) // width]
    picture: Pixels = np.ascontiguousarray(np.broadcast_to(bars, (height, width, 3)))
    ramp = np.linspace(16, 235, width).astype(np.uint8)
    picture[height * 2 // 3 : height * 5 // 6] = ramp[:, None]
    return np.concatenate([picture, picture], axis=1)


def _bounce(distance: float, low: int, high: int) -> int:
    """A position between low and high that turns round at both."""
    room = max(1, high - low)
    return low + room - abs(int(distance) % (2 * room) - room)
