"""A loaded program whose inputs and outputs are bound to arrays once, and checked once."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sdcam.arrays import Pixels
from sdcam.engines.coreml.system import reason
from sdcam.errors import SdcamError

Array = NDArray[Any]

IMAGE, STYLED = "image", "styled"  # the pictures among inputs and outputs
_BAND = 64  # rows
_SPARE_REFERENCES = 1_000

# A value that crosses to Core ML: "float32" and the array's shape, or "RGB" and the picture's
# (width, height) in pixels.
Feature = tuple[str, tuple[int, ...]]


class LoadedProgram(Protocol):
    """What coremltools' `CompiledMLModel` offers, and any stand-in for it."""

    def predict(self, data: dict[str, Any]) -> dict[str, Any]:
        """Pictures are PIL images: RGB in, RGBA out. Everything else is an array by name, float32
        or int32; an output is a new array at every call. Holds Python's lock while it runs."""
        ...


@dataclass(frozen=True)
class Description:
    """Inputs and outputs of a program by name, as its package describes them. A shape that the
    package does not fix is ()."""

    inputs: Mapping[str, Feature]
    outputs: Mapping[str, Feature]


class BoundProgram:
    """
    Args:
        name: for messages.
        inputs: arrays by name, C-contiguous float32 or int32; fill them before `run`. They live as
            long as the process, and Core ML reads them in place.
        results: arrays by name, which `run` fills; may be inputs of another program.
        described: what the program says of itself; None where nothing does.
        size: (width, height) of the pictures in pixels, where the program takes or gives one.
        takes_picture: whether there is an input `image`.

    Raises:
        SdcamError: the program takes or gives something else.
    """

    def __init__(
        self,
        name: str,
        program: LoadedProgram,
        inputs: Mapping[str, Array],
        results: Mapping[str, Array],
        described: Description | None = None,
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
        if described is not None:
            self._check(described)

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
                "If this happens again, convert the model again: sdcam models convert NAME.",
            ) from None
        for name, array in self._results.items():
            self._take(given, name, array)
        if out is not None:
            self._take_picture(given, out)

    def _check(self, described: Description) -> None:
        """Before the first `predict`, whose own message names neither the input nor the reason."""
        ours = {name: _feature(value) for name, value in self._inputs.items()}
        for name in sorted(ours.keys() ^ described.inputs.keys()):
            raise self._another(
                f"has no input {name}" if name in ours else f"needs the unknown input {name}"
            )
        for name, feature in ours.items():
            if not _fits(feature, described.inputs[name]):
                raise self._another(
                    f"takes {name} as {_words(described.inputs[name])}, not {_words(feature)}"
                )
        for name, array in self._results.items():
            theirs = described.outputs.get(name)
            if theirs is None:
                raise self._another(f"has no output {name}")
            # float16 outputs arrive as float32.
            if not _fits(("float32", array.shape), ("float32", theirs[1])):
                raise self._another(f"gives {name} of shape {theirs[1]}, not {array.shape}")

    def _take(self, given: Mapping[str, Any], name: str, into: Array) -> None:
        value = given.get(name)
        if not isinstance(value, np.ndarray) or value.shape != into.shape:
            what = "nothing" if value is None else f"{getattr(value, 'shape', value)}"
            raise self._another(f"gave {what} as {name} where {into.shape} is expected")
        np.copyto(into, value)

    def _take_picture(self, given: Mapping[str, Any], into: Pixels) -> None:
        value = given.get(STYLED)
        if not isinstance(value, Image.Image):
            raise self._another(f"gave no picture as {STYLED}")
        if (value.mode, value.size) != ("RGBA", self._size):
            raise self._another(
                f"gave a picture {value.mode} of {value.size} as {STYLED} where RGBA of "
                f"{self._size} is expected"
            )
        _copy_rgb(value, into)

    def _another(self, what: str) -> SdcamError:
        return SdcamError(
            f"The program {self.name} {what}.",
            "Convert the model again: sdcam models convert NAME.",
        )


def kept_for_life(array: Array) -> Array:
    """The same array, which is never freed. For a fixed number of arrays, made once.

    About a second after the last `predict`, Core ML drops its references to the inputs on a queue
    of its own, without Python's lock (https://github.com/apple/coremltools/pull/2827, #2829, open).
    If one of them is the last reference, the process crashes; and a count that two threads change
    at once can come out one too low. So there are spare references that nothing gives back.
    """
    for _ in range(_SPARE_REFERENCES):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(array))
    return array


def _feature(value: Any) -> Feature:
    if isinstance(value, Image.Image):
        return value.mode, value.size
    return str(value.dtype), value.shape


def _fits(ours: Feature, theirs: Feature) -> bool:
    return ours[0] == theirs[0] and theirs[1] in ((), ours[1])


def _words(feature: Feature) -> str:
    return f"{feature[0]} {feature[1]}"


def _copy_rgb(image: Image.Image, into: Pixels) -> None:
    """In bands: PIL returns pixels as a copy, and the system has to map a large one anew for every
    frame, which takes three times as long as copying."""
    width, height = image.size
    for top in range(0, height, _BAND):
        bottom = min(top + _BAND, height)
        band = np.asarray(image.crop((0, top, width, bottom)))
        cv2.cvtColor(band, cv2.COLOR_RGBA2RGB, dst=into[top:bottom])
