"""The cards that stand in for the picture: they say what is going on, and show no camera."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np

from sdcam.arrays import Pixels
from sdcam.compositor.lettering import Colour, Lettering, printable
from sdcam.compositor.planes import Frame, Layers
from sdcam.platforms.names import CAMERA_NAME

# "info": a picture will come. "paused": the user asked for it. "fault": the user has to act.
Tone = Literal["info", "paused", "fault"]


@dataclass(frozen=True)
class Card:
    """What a card says. `detail` is wrapped into at most three lines."""

    title: str
    detail: str = ""
    tone: Tone = "info"


_ACCENT: dict[Tone, Colour] = {
    "info": (104, 196, 224),
    "paused": (240, 186, 92),
    "fault": (244, 112, 100),
}
_TITLE: Colour = (244, 245, 248)
_DETAIL: Colour = (176, 181, 192)
_FAINT: Colour = (112, 118, 132)
_GROUND = ((30, 32, 41), (13, 14, 19))  # top to bottom


@lru_cache(maxsize=8)
def draw_card(card: Card, width: int, height: int, pixel_format: str) -> Pixels:
    """The card as a frame in the sink's pixel format, read-only: it is drawn once and cached.

    Everything stands in the middle, because apps cut the sides off to make tiles.
    """
    picture = _ground(width, height, _ACCENT[card.tone])
    unit = min(width, height * 16 / 9) / 1280  # 1 at 1280x720
    _draw_sign(picture, card.tone, unit)
    _write(picture, card, unit)
    frame = Frame(pixel_format, width, height)
    frame.draw(Layers(pixel_format, width, height).of(picture))
    drawn = frame.finish()
    drawn.flags.writeable = False
    return drawn


def _ground(width: int, height: int, accent: Colour) -> Pixels:
    """A dark vertical gradient with a faint glow of the accent behind the sign, (H, W, 3) RGB."""
    rows = np.linspace(0.0, 1.0, 36, dtype=np.float32)[:, None, None]
    columns = np.linspace(-1.0, 1.0, 64, dtype=np.float32)[None, :, None]
    top, bottom = (np.array(colour, np.float32) for colour in _GROUND)
    glow = np.exp(-((columns / 0.45) ** 2) - ((rows - 0.33) / 0.4) ** 2)
    small = top + (bottom - top) * rows + 0.13 * glow * np.array(accent, np.float32)
    large = cv2.resize(small.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    ground: Pixels = cv2.convertScaleAbs(large)
    return ground


_FINER = 4  # signs are drawn this much larger and shrunk: OpenCV's small circles have corners


def _draw_sign(picture: Pixels, tone: Tone, unit: float) -> None:
    """A ring with dots (wait), bars (paused) or an exclamation mark (fault) in it."""
    radius = max(8, round(46 * unit))
    half = min(round(radius * 1.2), picture.shape[0] // 4, picture.shape[1] // 2)
    x, y = picture.shape[1] // 2, round(picture.shape[0] * 0.30)
    place = picture[y - half : y + half, x - half : x + half]
    fine = cv2.resize(place, None, fx=_FINER, fy=_FINER)
    _draw_sign_on(fine, tone, radius * _FINER)
    cv2.resize(fine, (2 * half, 2 * half), dst=place, interpolation=cv2.INTER_AREA)


def _draw_sign_on(patch: Pixels, tone: Tone, radius: int) -> None:
    middle, accent = patch.shape[0] // 2, _ACCENT[tone]

    def stroke(x: float, top: float, bottom: float, width: float) -> None:
        """An upright line with round ends, in shares of the radius from the middle."""
        ends = [(middle + round(x * radius), middle + round(y * radius)) for y in (top, bottom)]
        cv2.line(patch, ends[0], ends[1], accent, round(width * radius), cv2.LINE_AA)

    cv2.circle(patch, (middle, middle), radius, accent, max(1, radius // 9), cv2.LINE_AA)
    if tone == "info":
        for x in (-0.42, 0.0, 0.42):
            stroke(x, 0.0, 0.0, 0.24)
    elif tone == "paused":
        for x in (-0.24, 0.24):
            stroke(x, -0.3, 0.3, 0.2)
    else:
        stroke(0.0, -0.42, 0.12, 0.2)
        stroke(0.0, 0.46, 0.46, 0.22)


def _write(picture: Pixels, card: Card, unit: float) -> None:
    height, width = picture.shape[:2]
    title, size = printable(card.title), max(20, round(58 * unit))
    while Lettering(size, bold=True).width(title) > width * 0.88 and size > 12:
        size -= 1
    Lettering(size, bold=True).write_centred(picture, title, round(height * 0.535), _TITLE)
    # Half-size outputs need letters that are larger for their frame.
    text = Lettering(max(17, round(29 * unit)))
    row = height * 0.535 + text.size * 1.9
    for line in text.wrap(printable(card.detail), round(width * 0.78), lines=3):
        text.write_centred(picture, line, round(row), _DETAIL)
        row += text.size * 1.4
    brand = Lettering(max(13, round(20 * unit)))
    brand.write_centred(picture, CAMERA_NAME, round(height * 0.93), _FAINT)
