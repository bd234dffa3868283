"""Text in pictures: the TrueType sans of OpenCV 5, or the stroked letters of OpenCV 4."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from sdcam.arrays import Pixels

Colour = tuple[int, int, int]  # RGB

_TRUETYPE: Any = cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None
_STROKED = cv2.FONT_HERSHEY_DUPLEX
_CAPITAL = 0.7  # height of a capital letter as a share of the size


@dataclass(frozen=True)
class Lettering:
    size: int  # pixels from line to line, set solid
    bold: bool = False

    def width(self, text: str) -> int:
        """Pixels that `text` takes from left to right."""
        if _TRUETYPE is None:
            extent, _ = cv2.getTextSize(text, _STROKED, self._scale, self._thickness)
            return int(extent[0])
        box = cv2.getTextSize((0, 0), text, (0, 0), _TRUETYPE, self.size, self._weight)
        return int(box[2])

    def write_centred(self, picture: Pixels, text: str, base: int, colour: Colour) -> None:
        """Writes one line into `picture` (H, W, 3), its letters standing on the row `base`."""
        corner = ((picture.shape[1] - self.width(text)) // 2, base)
        if _TRUETYPE is None:
            scale, thickness = self._scale, self._thickness
            cv2.putText(picture, text, corner, _STROKED, scale, colour, thickness, cv2.LINE_AA)
        else:
            cv2.putText(picture, text, corner, colour, _TRUETYPE, self.size, self._weight)

    def wrap(self, text: str, width: int, lines: int) -> list[str]:
        """At most `lines` lines of at most `width` pixels; an ellipsis stands for the rest."""
        wrapped: list[str] = []
        rest = " ".join(text.split())
        while rest and len(wrapped) < lines:
            line = self._fitting(rest, width)
            if len(wrapped) == lines - 1 and line != rest:
                line = self._shortened(line, width)
            wrapped.append(line)
            rest = rest[len(line) :].lstrip()
        return wrapped

    def _fitting(self, text: str, width: int) -> str:
        """The longest beginning of `text` that fits: whole words, or part of one that is wider."""
        end = len(text)
        while end > 1 and self.width(text[:end]) > width:
            blank = text.rfind(" ", 0, end)
            end = blank if blank > 0 else end - 1
        return text[:end]

    def _shortened(self, line: str, width: int) -> str:
        ellipsis = printable("…")
        while line and self.width(line + ellipsis) > width:
            line = line[:-1].rstrip()
        return line + ellipsis

    @property
    def _weight(self) -> int:
        return 600 if self.bold else 400

    @property
    def _thickness(self) -> int:
        return max(1, round(self.size * (0.07 if self.bold else 0.045)))

    @property
    def _scale(self) -> float:
        height = round(self.size * _CAPITAL)
        return float(cv2.getFontScaleFromHeight(_STROKED, height, self._thickness))


_PLAIN = {"ß": "ss", "·": "-", "•": "-", "–": "-", "—": "-", "→": "->"}
_PLAIN |= {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'"}


def printable(text: str) -> str:
    """`text` on one line, in letters that the font has; an ellipsis stands for the others."""
    shown = ""
    for letter in unicodedata.normalize("NFC", " ".join(text.split())):
        parts = unicodedata.normalize("NFKD", _PLAIN.get(letter, letter))
        plain = "".join(part for part in parts if part.isascii() and part.isprintable())
        if _has_glyph(letter):
            shown += letter
        elif plain:
            shown += plain
        elif not shown.endswith("..."):
            shown += "..."
    return shown


@lru_cache(maxsize=512)
def _has_glyph(letter: str) -> bool:
    if letter.isascii() or _TRUETYPE is None:
        return letter.isascii() and letter.isprintable()
    return not np.array_equal(_drawn(letter), _drawn("?"))


def _drawn(letter: str) -> Pixels:
    picture = np.zeros((48, 64, 3), np.uint8)
    cv2.putText(picture, letter, (4, 36), (255, 255, 255), _TRUETYPE, 32, 400)
    return picture
