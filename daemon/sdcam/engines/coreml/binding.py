"""A loaded program with its inputs and outputs bound to arrays once."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sdcam.engines.coreml.lifetime import kept_for_life
from sdcam.engines.coreml.reason import reason
from sdcam.errors import SdcamError

Array = NDArray[Any]
Pixels = NDArray[np.uint8]

IMAGE, STYLED = "image", "styled"  # the pictures among inputs and outputs
_BAND = 64  # rows


class LoadedProgram(Protocol):
    """What coremltools' `CompiledMLModel` offers, and any stand-in for it."""

    def predict(self, data: dict[str, Any]) -> dict[str, Any]:
        """Pictures are PIL images: RGB in, RGBA out. Everything else are arrays by name, float32
        or int32; an output is a new array at every call. Holds Python's lock all the while."""
        ...


class BoundProgram:
    """
    Args:
        name: for messages.
        inputs: arrays by name, C-contiguous float32 or int32; fill them before `run`. They are
            held for the life of the process, and Core ML reads them where they are.
        results: arrays by name, which `run` fills; may be inputs of another program.
        size: (width, height) of the pictures in pixels, where the program takes or gives one.
        takes_picture: whether there is an input `image`.
    """

    def __init__(
        self,
        name: str,
        program: LoadedProgram,
        inputs: Mapping[str, Array],
        results: Mapping[str, Array],
        size: tuple[int, int] = (0, 0),
        takes_picture: bool = False,
    ) -> None:
        self.name = name
        self._program = program
        self._size = size
        self._results = dict(results)
        self._inputs: dict[str, Any] = {key: kept_for_life(each) for key, each in inputs.items()}
        if takes_picture:
            self._inputs[IMAGE] = Image.new("RGB", size)  # Core ML gets a copy of its bytes

    def run(self, image: Pixels | None = None, out: Pixels | None = None) -> None:
        """
        Args:
            image: RGB picture (H, W, 3), where the program takes one.
            out: gets the styled picture, RGB (H, W, 3), where the program gives one.

        Raises:
            SdcamError: Core ML failed, or gave something else than the program's outputs.
        """
        if image is not None:
            self._inputs[IMAGE].frombytes(np.ascontiguousarray(image))
        try:
            with contextlib.redirect_stdout(sys.stderr):  # coremltools prints what it refuses
                given = self._program.predict(self._inputs)
        except (RuntimeError, TypeError, ValueError) as fault:
            raise SdcamError(
                f"Core ML did not run the program {self.name} ({reason(fault)}).",
                "If this stays so, convert the model again: sdcam models convert NAME.",
            ) from None
        for name, array in self._results.items():
            self._take(given, name, array)
        if out is not None:
            self._take_picture(given, out)

    def _take(self, given: Mapping[str, Any], name: str, into: Array) -> None:
        value = given.get(name)
        if not isinstance(value, np.ndarray) or value.shape != into.shape:
            what = "nothing" if value is None else f"{getattr(value, 'shape', value)}"
            raise self._another(f"{what} as {name} where {into.shape} is expected")
        np.copyto(into, value)

    def _take_picture(self, given: Mapping[str, Any], into: Pixels) -> None:
        value = given.get(STYLED)
        if not isinstance(value, Image.Image):
            raise self._another(f"no picture as {STYLED}")
        if (value.mode, value.size) != ("RGBA", self._size):
            raise self._another(
                f"a picture {value.mode} of {value.size} as {STYLED} where RGBA of {self._size} "
                "is expected"
            )
        _copy_rgb(value, into)

    def _another(self, what: str) -> SdcamError:
        return SdcamError(
            f"The program {self.name} gave {what}.",
            "Convert the model again: sdcam models convert NAME.",
        )


def _copy_rgb(image: Image.Image, into: Pixels) -> None:
    """In bands: PIL gives its pixels away as a copy, and a large one is memory that the system has
    to map anew for every frame, which takes three times as long as copying."""
    width, height = image.size
    for top in range(0, height, _BAND):
        bottom = min(top + _BAND, height)
        band = np.asarray(image.crop((0, top, width, bottom)))
        cv2.cvtColor(band, cv2.COLOR_RGBA2RGB, dst=into[top:bottom])
