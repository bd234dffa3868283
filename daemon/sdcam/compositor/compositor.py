"""Styled picture to output frame: blend, mirror, fit, pixel format."""

from __future__ import annotations

import cv2
import numpy as np

from sdcam.arrays import Pixels
from sdcam.compositor.cards import Card, draw_card
from sdcam.compositor.colour import convert
from sdcam.compositor.geometry import Rect, covering_cut, inside
from sdcam.output.sink import frame_shape
from sdcam.settings.schema import Fit

# The backdrop of `blur` is made this much smaller, blurred there and enlarged again: a blur of
# some 30 pixels for the price of one of 1.5.
_BACKDROP_SHRINK = 20
_BACKDROP_SIGMA = 1.5
_BACKDROP_BRIGHTNESS = 0.6  # darker than the picture, so that the eye finds the picture


class Compositor:
    """Makes the frames of one output. Everything frame-sized is allocated here, once, and again
    only when the size of the styled picture changes, that is with the model."""

    def __init__(self, width: int, height: int, pixel_format: str) -> None:
        """
        Args:
            width: of the output in pixels, even.
            height: of the output in pixels, even.
            pixel_format: "BGR", "I420" or "UYVY", as the sink says.
        """
        self.width = width
        self.height = height
        self.pixel_format = pixel_format
        self._canvas = np.zeros((height, width, 3), np.uint8)  # RGB
        shape = frame_shape(pixel_format, width, height)
        # Two, so that the frame that was returned last stays whole while the next one is made.
        self._frames = (np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))
        self._turn = 0
        self._bars: Rect | None = None  # the place around which the canvas is black
        tiny = (max(2, height // _BACKDROP_SHRINK), max(2, width // _BACKDROP_SHRINK), 3)
        self._tiny = np.zeros(tiny, np.uint8)
        self._render = np.zeros((0, 0, 3), np.uint8)
        self._mirrored = self._render

    def compose(
        self, styled: Pixels, camera: Pixels | None, fit: Fit, blend: float, mirror: bool
    ) -> Pixels:
        """One frame in the sink's pixel format, good until the call after the next.

        Args:
            styled: RGB, (h, w, 3), any size.
            camera: RGB, as large as `styled`: what it was painted from. Not looked at when
                `blend` is 0.
            fit: how the picture fills the frame.
            blend: share of the camera, 0 to 1.
            mirror: whether left and right change places.
        """
        picture = self._blended(styled, camera, blend)
        if mirror:  # at render size, where it is cheap; the place in the frame is centred anyway
            picture = cv2.flip(picture, 1, dst=self._mirrored)
        self._lay_out(picture, fit)
        self._turn = 1 - self._turn
        return convert(self._canvas, self.pixel_format, self._frames[self._turn])

    def card(self, card: Card) -> Pixels:
        """A card as a frame, drawn once and remembered; read-only, never mirrored."""
        return draw_card(card, self.width, self.height, self.pixel_format)

    def _blended(self, styled: Pixels, camera: Pixels | None, blend: float) -> Pixels:
        if styled.shape != self._render.shape:
            self._render = np.zeros(styled.shape, np.uint8)
            self._mirrored = np.zeros(styled.shape, np.uint8)
        if blend <= 0.0:
            return styled
        if camera is None or camera.shape != styled.shape:
            raise ValueError("blending needs the camera picture at the size of the styled one")
        cv2.addWeighted(styled, 1.0 - blend, camera, blend, 0.0, dst=self._render)
        return self._render

    def _lay_out(self, picture: Pixels, fit: Fit) -> None:
        """Fills the canvas."""
        height, width = picture.shape[:2]
        sizes = (width, height, self.width, self.height)
        if fit is Fit.CROP:
            _resize(covering_cut(*sizes).of(picture), self._canvas)
            self._bars = None
            return
        place = inside(*sizes)
        if fit is Fit.BLUR:
            self._fill_backdrop(covering_cut(*sizes).of(picture))
            self._bars = None
        elif self._bars != place:
            self._canvas.fill(0)
            self._bars = place
        _resize(picture, place.of(self._canvas))

    def _fill_backdrop(self, cut: Pixels) -> None:
        height, width = self._tiny.shape[:2]
        cv2.resize(cut, (width, height), dst=self._tiny, interpolation=cv2.INTER_AREA)
        cv2.GaussianBlur(self._tiny, (0, 0), _BACKDROP_SIGMA, dst=self._tiny)
        cv2.convertScaleAbs(self._tiny, dst=self._tiny, alpha=_BACKDROP_BRIGHTNESS)
        size = (self.width, self.height)
        cv2.resize(self._tiny, size, dst=self._canvas, interpolation=cv2.INTER_LINEAR)


def _resize(picture: Pixels, out: Pixels) -> None:
    height, width = out.shape[:2]
    # Cubic costs what linear costs here and keeps brush strokes sharp; area does not alias.
    smaller = width < picture.shape[1] or height < picture.shape[0]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    cv2.resize(picture, (width, height), dst=out, interpolation=how)
