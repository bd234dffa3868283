"""The networks on the CPU through OpenVINO, from a model's ONNX graphs.

It computes in half precision (bf16) where the CPU has that: more than twice as fast. Even then the
end of the decoder (scaling to bytes, rounding) stays float32: OpenVINO keeps everything behind the
last convolution in float32.
"""

from __future__ import annotations

import importlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from sdcam.arrays import Float, Pixels
from sdcam.engines.compiled_graphs import CompiledGraphs
from sdcam.engines.host_side import HostSide
from sdcam.errors import MissingError, UsageError
from sdcam.models import ModelFolder
from sdcam.models.folder import TOKENS, WEIGHTS_LAYOUT
from sdcam.models.weights import WeightsFile

_LOADERS = 2  # threads; OpenVINO compiles with threads of its own beside them
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
        openvino = import_openvino()
        core = openvino.Core()
        precision = _precision(precision, core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
        version = openvino.__version__.split("-")[0]
        self._host = HostSide.of(model, size, f"openvino {version} {precision}")
        self.spec, self.schedule = self._host.spec, self._host.schedule
        options: dict[str, object] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads or _physical_cores(),
        }
        self._image = self._host.picture()
        self._sample, self._latent = self._host.latent(), self._host.latent()
        self._time = self._host.time()
        self._prompt = self._host.prompt_embeds()
        self._words = np.zeros((1, TOKENS), np.int64)
        inputs: dict[str, dict[str, Array]] = {
            "unet": {
                "sample": self._sample,
                "time_embedding": self._time,
                "prompt_embeds": self._prompt,
            },
            "decode": {"latent": self._latent},
            "encode": {"image": self._image},
            "text_encoder": {"input_ids": self._words},
        }
        # The graphs at the same time, the UNet first: it takes two thirds of the time.
        graphs = CompiledGraphs(core, openvino.__version__, options)
        with ThreadPoolExecutor(_LOADERS) as pool:
            loading = {
                name: pool.submit(_compiled, core, graphs, model, name, arrays, options)
                for name, arrays in inputs.items()
            }
            self._host.tokenize  # noqa: B018  # read meanwhile
        self._networks = {
            name: _BoundGraph(openvino, loading[name].result(), arrays)
            for name, arrays in inputs.items()
        }
        for network in self._networks.values():
            network.run()  # the first run allocates

    def embed(self, prompt: str) -> Float:
        np.copyto(self._words, self._host.tokenize(prompt))
        return self._networks["text_encoder"].run()

    def encode(self, image: Pixels) -> Float:
        np.copyto(self._image[0], image)
        return self._networks["encode"].run()

    def predict_noise(self, latent: Float, timestep: int, prompt_embeds: Float) -> Float:
        np.copyto(self._sample, latent)
        np.copyto(self._time, self._host.embed_time(timestep))
        np.copyto(self._prompt, prompt_embeds)
        return self._networks["unet"].run()

    def decode(self, latent: Float, out: Pixels) -> None:
        np.copyto(self._latent, latent)
        np.copyto(out, self._networks["decode"].run()[0])

    def close(self) -> None:
        self._networks.clear()


class _BoundGraph:
    """A compiled graph whose inputs and output are bound to arrays once."""

    def __init__(self, openvino: ModuleType, compiled: Any, inputs: dict[str, Array]) -> None:
        self._request = compiled.create_infer_request()
        for key, array in inputs.items():
            self._request.set_tensor(key, openvino.Tensor(array, shared_memory=True))
        output = self._request.get_output_tensor(0)
        self._result = np.zeros(output.shape, output.data.dtype)
        self._request.set_output_tensor(0, openvino.Tensor(self._result, shared_memory=True))

    def run(self) -> Array:
        self._request.infer(share_outputs=True)  # else it copies the result into a new array
        return self._result


def _compiled(
    core: Any,
    graphs: CompiledGraphs,
    model: ModelFolder,
    name: str,
    inputs: dict[str, Array],
    options: dict[str, object],
) -> Any:
    """
    Raises:
        MissingError: the graph is damaged, or was written for other weights.
    """
    path = model.graph(name)
    shapes = {key: list(array.shape) for key, array in inputs.items()}

    def compile_graph() -> Any:
        graph = core.read_model(path)
        _refuse_other_weights(graph, model, name)
        graph.reshape(shapes)
        return core.compile_model(graph, "CPU", options)

    try:
        return graphs.load(path, model.weights_of(name), shapes, compile_graph)
    except RuntimeError as fault:
        raise MissingError(
            f"OpenVINO cannot run {path} ({_first_line(fault)}).",
            f"Write it again: sdcam models convert {model.path} --to cpu",
        ) from None


def _refuse_other_weights(graph: Any, model: ModelFolder, name: str) -> None:
    """A graph reads its weights by offset: from another file it would read noise."""
    key = ["framework", WEIGHTS_LAYOUT]
    written_for = graph.get_rt_info(key).value if graph.has_rt_info(key) else None
    weights = WeightsFile.open(model.weights_of(name))
    if written_for != weights.layout:
        raise MissingError(
            f"The graph {model.graph(name)} was written for other weights than {weights.path}.",
            f"Write it again: sdcam models convert {model.path} --to cpu",
        )


def import_openvino() -> ModuleType:
    """The runtime without its converter, whose import loads a telemetry package."""
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
