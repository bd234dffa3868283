"""The networks on the CPU through OpenVINO, from a model's ONNX graphs.

Half-precision arithmetic (bf16) where the CPU has it: more than twice as fast, and the end of the
decoder (scaling to bytes, rounding) stays float32 even then. OpenVINO shifts that boundary itself:
it keeps everything behind the last convolution in float32.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from sdcam.engines.host_side import Float, HostSide, Pixels
from sdcam.errors import MissingError, UsageError
from sdcam.models import ModelFolder
from sdcam.models.folder import TOKENS, WEIGHTS_LAYOUT
from sdcam.models.weights import WeightsFile

_PRECISIONS = {"f32": "FP32", "bf16": "BF16", "f16": "FP16"}  # as OpenVINO lists a CPU's abilities

Array = NDArray[Any]


class OpenVINONetworks:
    """
    Args:
        model: with graphs.
        size: (width, height) in pixels.
        precision: "f32", "bf16", "f16", or "auto": bf16 where the CPU has it, else f32.
        threads: None takes the physical cores.
    """

    def __init__(
        self,
        model: ModelFolder,
        size: tuple[int, int],
        precision: str = "auto",
        threads: int | None = None,
    ) -> None:
        if not model.has_graphs:
            raise MissingError(
                f"The model in {model.path} has no graphs for the CPU.",
                f"Run: sdcam models convert {model.path} --to cpu",
            )
        openvino = _openvino()
        core = openvino.Core()
        precision = _precision(precision, core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
        version = openvino.__version__.split("-")[0]
        self._host = HostSide.of(model, size, f"openvino {version} {precision}")
        self.spec, self.schedule = self._host.spec, self._host.schedule
        how = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads or _physical_cores(),
        }
        self._image = self._host.picture()
        self._sample, self._latent = self._host.latent(), self._host.latent()
        self._time = np.zeros((1, self._host.embed_time.channels), np.float32)
        self._prompt = self._host.prompt_embeds()
        self._words = np.zeros((1, TOKENS), np.int64)
        inputs: dict[str, dict[str, Array]] = {
            "text_encoder": {"input_ids": self._words},
            "encode": {"image": self._image},
            "unet": {
                "sample": self._sample,
                "time_embedding": self._time,
                "prompt_embeds": self._prompt,
            },
            "decode": {"latent": self._latent},
        }
        self._stages = {
            name: _Stage(openvino, core, model, name, arrays, how)
            for name, arrays in inputs.items()
        }
        for stage in self._stages.values():
            stage.run()  # the first run allocates

    def embed(self, prompt: str) -> Float:
        np.copyto(self._words, self._host.tokenize(prompt))
        return self._stages["text_encoder"].run()

    def encode(self, image: Pixels) -> Float:
        np.copyto(self._image[0], image)
        return self._stages["encode"].run()

    def predict_noise(self, latent: Float, timestep: int, prompt_embeds: Float) -> Float:
        np.copyto(self._sample, latent)
        np.copyto(self._time, self._host.embed_time(timestep))
        np.copyto(self._prompt, prompt_embeds)
        return self._stages["unet"].run()

    def decode(self, latent: Float, out: Pixels) -> None:
        np.copyto(self._latent, latent)
        np.copyto(out, self._stages["decode"].run()[0])

    def close(self) -> None:
        self._stages.clear()


class _Stage:
    """A compiled graph whose inputs and output are bound to arrays once."""

    def __init__(
        self,
        openvino: ModuleType,
        core: Any,
        model: ModelFolder,
        name: str,
        inputs: dict[str, Array],
        how: dict[str, object],
    ) -> None:
        path = model.graph(name)
        try:
            graph = core.read_model(path)
            _refuse_other_weights(graph, model, name)
            graph.reshape({key: list(array.shape) for key, array in inputs.items()})
            compiled = core.compile_model(graph, "CPU", how)
        except RuntimeError as fault:
            raise MissingError(
                f"OpenVINO cannot run {path} ({_first_line(fault)}).",
                f"Write it anew: sdcam models convert {model.path} --to cpu",
            ) from None
        self._request = compiled.create_infer_request()
        for key, array in inputs.items():
            self._request.set_tensor(key, openvino.Tensor(array, shared_memory=True))
        output = self._request.get_output_tensor(0)
        self._result = np.zeros(output.shape, output.data.dtype)
        self._request.set_output_tensor(0, openvino.Tensor(self._result, shared_memory=True))

    def run(self) -> Array:
        self._request.infer(share_outputs=True)  # else it copies the result into a new array
        return self._result


def _refuse_other_weights(graph: Any, model: ModelFolder, stage: str) -> None:
    """A graph reads its weights by offset: from another file it would read noise."""
    key = ["framework", WEIGHTS_LAYOUT]
    written_for = graph.get_rt_info(key).value if graph.has_rt_info(key) else None
    weights = WeightsFile.open(model.weights_of(stage))
    if written_for != weights.layout:
        raise MissingError(
            f"The graph {model.graph(stage)} was written for other weights than {weights.path}.",
            f"Write it anew: sdcam models convert {model.path} --to cpu",
        )


def _openvino() -> ModuleType:
    """The runtime without its converter, whose import brings in a telemetry package."""
    converter = "openvino.tools.ovc"
    absent = converter not in sys.modules
    if absent:
        sys.modules[converter] = None  # type: ignore[assignment]  # "import fails", as in the docs
    try:
        return importlib.import_module("openvino")
    finally:
        if absent:
            del sys.modules[converter]


def _precision(wanted: str, abilities: list[str]) -> str:
    offered = [name for name, ability in _PRECISIONS.items() if ability in abilities]
    if wanted == "auto":
        return "bf16" if "bf16" in offered else "f32"
    if wanted not in offered:
        raise UsageError(
            f'This CPU does not compute in "{wanted}".',
            f'Set model.engine to "openvino" or one of: '
            f"{', '.join(f'openvino:{name}' for name in offered)}.",
        )
    return wanted


def _physical_cores() -> int:
    """Hyperthreads share the multipliers that a network keeps busy; containers may allow fewer."""
    cores = psutil.cpu_count(logical=False) or 1
    if hasattr(os, "sched_getaffinity"):
        return min(cores, len(os.sched_getaffinity(0)))
    return cores


def _first_line(fault: RuntimeError) -> str:
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    return next((line for line in reversed(lines) if not line.startswith("Exception")), "no reason")
