"""Colour bars that a swapped channel, another range or another size cannot pass.

`python -m verify_mac.bars SECONDS` sends them to the virtual camera through sdcam's own classes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # not there before the first step has installed it
    import numpy as np
    from numpy.typing import NDArray

COLOURS = {
    "white": (255, 255, 255),
    "yellow": (255, 255, 0),
    "cyan": (0, 255, 255),
    "green": (0, 255, 0),
    "magenta": (255, 0, 255),
    "red": (255, 0, 0),
    "blue": (0, 0, 255),
    "black": (0, 0, 0),
}
WIDTH, HEIGHT = 1280, 720
_FPS = 30.0
# A reader that takes BT.601 for BT.709 is up to 45 off in a saturated colour and 0 in greys; one
# that takes limited range for full is 16 to 20 off in the greys; a swapped channel is 255 off.
_GREY_TOLERANCE, _COLOUR_TOLERANCE = 10, 60

Colour = tuple[float, float, float]


def judge_bars(seen: Sequence[Colour]) -> tuple[bool, str]:
    """Of the eight bars from left to right, RGB from 0 to 255; whether they are right, and the
    sentence."""
    off = []
    for (name, wanted), found in zip(COLOURS.items(), seen, strict=True):
        furthest = max(abs(w - f) for w, f in zip(wanted, found, strict=True))
        tolerance = _GREY_TOLERANCE if name in ("white", "black") else _COLOUR_TOLERANCE
        off.append((furthest / tolerance, furthest, name, found))
    share, furthest, name, found = max(off)
    rounded = tuple(round(part) for part in found)
    if share > 1:
        return False, f"{name} came as {rounded}."
    return True, f"All eight bars are right; {name} is the furthest off, by {furthest:.0f}."


def bars_of(frame: bytes, width: int, height: int) -> list[Colour]:
    """The mean colour in the middle of each bar of a picture in packed RGB."""
    import numpy as np

    picture = np.frombuffer(frame, np.uint8).reshape(height, width, 3)
    band = picture[height * 2 // 5 : height * 3 // 5]
    bar = width / len(COLOURS)
    found = []
    for number in range(len(COLOURS)):
        left, right = int((number + 0.25) * bar), int((number + 0.75) * bar)
        red, green, blue = band[:, left:right].reshape(-1, 3).mean(axis=0)
        found.append((float(red), float(green), float(blue)))
    return found


def bars_picture() -> NDArray[np.uint8]:
    """RGB, (720, 1280, 3)."""
    import numpy as np

    row = np.repeat(np.array(list(COLOURS.values()), np.uint8), WIDTH // len(COLOURS), axis=0)
    return np.ascontiguousarray(np.broadcast_to(row, (HEIGHT, WIDTH, 3)))


def send(seconds: float) -> None:
    from sdcam.compositor import Compositor
    from sdcam.output import open_sink
    from sdcam.settings import Fit, OutputSettings

    sink = open_sink("virtual-camera", OutputSettings(width=WIDTH, height=HEIGHT, fps=_FPS))
    compositor = Compositor(WIDTH, HEIGHT, sink.pixel_format)
    frame = compositor.compose(bars_picture(), None, Fit.CROP, 0, False)
    print(f"{sink.name} takes {sink.pixel_format}", flush=True)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sink.send(frame)
        time.sleep(1 / _FPS)
    sink.close()


if __name__ == "__main__":
    send(float(sys.argv[1]))
