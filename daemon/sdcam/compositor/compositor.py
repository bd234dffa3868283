"""Styled picture to output frame: blend, mirror, fit, pixel format."""

from __future__ import annotations

import cv2
import numpy as np

from sdcam.arrays import Pixels
from sdcam.compositor.cards import Card, draw_card
from sdcam.compositor.geometry import Rect, covering_cut, inside
from sdcam.compositor.planes import Frame, Layers
from sdcam.settings.schema import Fit

# The backdrop of `blur` is shrunk by this factor, blurred, and enlarged again: a blur of some 30
# pixels for the price of one of 1.5.
_BACKDROP_SHRINK = 20
_BACKDROP_SIGMA = 1.5
_BACKDROP_BRIGHTNESS = 0.6  # darker than the picture, so that the eye finds the picture


class Compositor:
    """Makes the frames of one output. Everything frame-sized is allocated here; buffers of the
    picture's size are allocated again when that size or the fit changes."""

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
        # Two, so that the frame that was returned last stays whole while the next one is made.
        self._frames = [Frame(pixel_format, width, height) for _ in range(2)]
        self._bars: list[Rect | None] = [None, None]  # the place around which each frame is black
        self._turn = 0
        tiny = (max(2, width // _BACKDROP_SHRINK), max(2, height // _BACKDROP_SHRINK))
        self._tiny = np.zeros((tiny[1], tiny[0], 3), np.uint8)
        self._tiny_layers = Layers(pixel_format, *tiny)
        self._layers = Layers(pixel_format, 0, 0)
        self._blended = self._mirrored = np.zeros((0, 0, 3), np.uint8)

    def compose(
        self, styled: Pixels, camera: Pixels | None, fit: Fit, blend: float, mirror: bool
    ) -> Pixels:
        """One frame in the sink's pixel format, valid until the call after the next.

        Args:
            styled: RGB, (h, w, 3), any size.
            camera: RGB, as large as `styled`, which was made from it. Ignored when `blend` is 0.
            fit: how the picture fills the frame.
            blend: share of the camera, 0 to 1.
            mirror: whether left and right change places.

        Raises:
            ValueError: there is no camera picture to blend, or it has another size.
        """
        height, width = styled.shape[:2]
        sizes = (width, height, self.width, self.height)
        cut = covering_cut(*sizes)
        if blend <= 0.0:
            camera = None
        elif camera is None or camera.shape != styled.shape:
            raise ValueError("blending needs the camera picture at the size of the styled one")
        if fit is Fit.CROP:
            styled, camera = cut.of(styled), None if camera is None else cut.of(camera)
        picture = self._prepared(styled, camera, blend, mirror)
        self._turn = 1 - self._turn
        frame, place = self._frames[self._turn], None
        if fit is not Fit.CROP:
            place = inside(*sizes)
            self._draw_surroundings(frame, picture, cut, place, fit)
        self._bars[self._turn] = place if fit is Fit.PAD else None
        frame.draw(self._layers.of(picture), place)
        return frame.finish()

    def card(self, card: Card) -> Pixels:
        """A card as a frame, drawn once and remembered; read-only, never mirrored."""
        return draw_card(card, self.width, self.height, self.pixel_format)

    def _prepared(
        self, styled: Pixels, camera: Pixels | None, blend: float, mirror: bool
    ) -> Pixels:
        """Blended and mirrored, at the picture's size, where it is cheap."""
        if styled.shape != self._layers.shape:
            height, width = styled.shape[:2]
            self._layers = Layers(self.pixel_format, width, height)
            self._blended = np.zeros(styled.shape, np.uint8)
            self._mirrored = np.zeros(styled.shape, np.uint8)
        picture = styled
        if camera is not None:
            cv2.addWeighted(styled, 1.0 - blend, camera, blend, 0.0, dst=self._blended)
            picture = self._blended
        return cv2.flip(picture, 1, dst=self._mirrored) if mirror else picture

    def _draw_surroundings(
        self, frame: Frame, picture: Pixels, cut: Rect, place: Rect, fit: Fit
    ) -> None:
        """What the frame shows around `place`."""
        if fit is Fit.BLUR:
            size = (self._tiny.shape[1], self._tiny.shape[0])
            cv2.resize(cut.of(picture), size, dst=self._tiny, interpolation=cv2.INTER_AREA)
            cv2.GaussianBlur(self._tiny, (0, 0), _BACKDROP_SIGMA, dst=self._tiny)
            cv2.convertScaleAbs(self._tiny, dst=self._tiny, alpha=_BACKDROP_BRIGHTNESS)
            frame.draw(self._tiny_layers.of(self._tiny), soft=True)
        elif self._bars[self._turn] != place:
            frame.fill_black()
