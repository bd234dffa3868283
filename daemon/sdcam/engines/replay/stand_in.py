"""The stand-in for coremltools' `CompiledMLModel`: the same rules for inputs, a Mac's pace."""

from __future__ import annotations

import ctypes
import time
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sdcam.engines.replay.toy import ToyNetworks

# Unlike CDLL and `time.sleep`, PyDLL keeps Python's lock while it waits, as `predict` does.
_C = ctypes.PyDLL(None)
_OVERSLEEP = 150e-6  # seconds: a sleep ends late by up to this

_INPUTS = {
    "encode": {"image"},
    "unet": {"sample", "time_embedding", "prompt_embeds"},
    "decode": {"latent"},
    "text_encoder": {"input_ids"},
    "fused": {
        "image",
        "prompt_embeds",
        "noise",
        "previous_latent",
        "time_embedding",
        "feedback",
        "sqrt_alpha",
        "sqrt_one_minus_alpha",
    },
}


class ReplayProgram:
    """
    Args:
        name: of the program, as in a bundle.
        milliseconds: what a call takes, the arithmetic included.
    """

    def __init__(self, name: str, networks: ToyNetworks, milliseconds: float) -> None:
        self._name = name
        self._networks = networks
        self._seconds = milliseconds / 1000

    def predict(self, data: dict[str, Any]) -> dict[str, Any]:
        """Takes and returns what `CompiledMLModel.predict` does.

        Raises:
            RuntimeError: an input that Core ML would refuse, or convert at every call.
        """
        until = time.perf_counter() + self._seconds
        results = self._compute({key: _accepted(key, value) for key, value in data.items()})
        returned = {key: _returned(value) for key, value in results.items()}
        wait_with_lock(until - time.perf_counter())
        return returned

    def _compute(self, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        if set(inputs) != _INPUTS[self._name]:
            wrong = ", ".join(sorted(set(inputs) ^ _INPUTS[self._name]))
            raise RuntimeError(f"inputs of {self._name} that are missing or unknown: {wrong}")
        if self._name == "fused":
            styled, latent = self._networks.fused(**inputs)
            return {"styled": styled, "latent": latent}
        if self._name == "decode":
            return {"styled": self._networks.decode(**inputs)}
        if self._name == "encode":
            return {"latent": self._networks.encode(**inputs)}
        if self._name == "unet":
            return {"noise": self._networks.unet(**inputs)}
        return {"prompt_embeds": self._networks.text_encoder(**inputs)}


def wait_with_lock(seconds: float) -> None:
    """Waits without letting another thread of this process run. Exact to some microseconds: it
    sleeps for most of the time and spins for the rest."""
    until = time.perf_counter() + seconds
    while (left := until - time.perf_counter()) > 0:
        if left > _OVERSLEEP:
            _C.usleep(round((left - _OVERSLEEP) * 1e6))


def _accepted(name: str, value: Any) -> NDArray[Any]:
    if name == "image":
        if not isinstance(value, Image.Image) or value.mode != "RGB":
            raise RuntimeError(f"value type not convertible: {name} is no PIL image of mode RGB")
        return np.asarray(value)
    if not isinstance(value, np.ndarray) or value.dtype not in (np.float32, np.int32):
        raise RuntimeError(f"value type not convertible: {name} is no float32 or int32 array")
    if not (value.flags.writeable and value.flags.c_contiguous):
        raise RuntimeError(f"value type not convertible: {name} is read-only or not contiguous")
    return value


def _returned(value: NDArray[Any]) -> Any:
    """Core ML returns pictures as PIL images RGBA."""
    if value.dtype != np.uint8:
        return value
    opaque = cv2.cvtColor(value, cv2.COLOR_RGB2RGBA)
    return Image.frombytes("RGBA", (value.shape[1], value.shape[0]), opaque)
