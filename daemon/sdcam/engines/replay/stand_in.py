"""The stand-in for coremltools' `CompiledMLModel`: its manners, a Mac's pace, faults on request."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sdcam.engines.replay.spec import Fault
from sdcam.engines.replay.toy import ToyNetworks

# Unlike CDLL and `time.sleep` it keeps Python's lock while it waits, as `predict` does.
_C = ctypes.PyDLL(None)
_SLEEPS_LONGER = 150e-6  # seconds

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
        milliseconds: that a call takes, the arithmetic included.
    """

    def __init__(
        self,
        name: str,
        networks: ToyNetworks,
        milliseconds: float,
        faults: Sequence[Fault] = (),
    ) -> None:
        self._name = name
        self._networks = networks
        self._seconds = milliseconds / 1000
        self._faults = tuple(faults)
        self._calls = 0

    def predict(self, data: dict[str, Any]) -> dict[str, Any]:
        """
        Raises:
            RuntimeError: what Core ML would refuse, or convert at every call.
        """
        until = time.perf_counter() + self._seconds * self._begin()
        results = self._compute({key: _accepted(key, value) for key, value in data.items()})
        if self._due("garbage"):
            results = {key: _garbage(value) for key, value in results.items()}
        given = {key: _returned(value) for key, value in results.items()}
        while (left := until - time.perf_counter()) > 0:
            if left > _SLEEPS_LONGER:  # the rest is waited for awake: a sleep ends late
                _C.usleep(round((left - _SLEEPS_LONGER) * 1e6))
        return given

    def _begin(self) -> float:
        """Counts the call, fails if it is to; how many times as long it takes."""
        self._calls += 1
        if self._due("crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        while self._due("hang"):
            _C.usleep(500_000)
        factors = [f.factor for f in self._faults if f.kind == "slow" and self._calls >= f.at]
        return max(factors, default=1.0)

    def _due(self, kind: str) -> bool:
        return any(fault.kind == kind and fault.at == self._calls for fault in self._faults)

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
    """Pictures as PIL images RGBA, which is what Core ML has of them."""
    if value.dtype != np.uint8:
        return value
    opaque = cv2.cvtColor(value, cv2.COLOR_RGB2RGBA)
    return Image.frombytes("RGBA", (value.shape[1], value.shape[0]), opaque)


def _garbage(value: NDArray[Any]) -> NDArray[Any]:
    """No numbers; a picture of them is black."""
    return np.zeros_like(value) if value.dtype == np.uint8 else np.full_like(value, np.nan)
