"""A diffusers folder becomes runnable by the CPU engine: four small ONNX graphs are added to it.

    python -m sdcam_convert.cpu FOLDER

The graphs refer to the folder's safetensors files for their weights (onnx_weights), so nothing is
stored twice and the daemon needs neither torch nor a conversion of its own. Their inputs and
outputs are those of `sdcam.engines.torch_modules`; pictures may be of any size in multiples of 64.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import onnx
import torch
from onnx import helper

from sdcam.engines.torch_modules import load_modules
from sdcam.errors import SdcamError
from sdcam.models.folder import NETWORKS, TOKENS, WEIGHTS_LAYOUT, ModelFolder
from sdcam.models.pull import termination_interrupts
from sdcam.models.time_embedding import TimeEmbedding
from sdcam.models.weights import WeightsFile
from sdcam_convert.agreement import TOLERANCE, cpu_agreement
from sdcam_convert.onnx_weights import point_to_weights, shorten_names

_OPSET = 18
_TRACED = 128  # pixels of the traced picture; any multiple of 64 would do
_LARGEST_CONSTANT = 4096  # bytes; what is larger is a weight
_DYNAMIC = {
    "text_encoder": {},
    "encode": {"image": {1: "H", 2: "W"}, "latent": {2: "h", 3: "w"}},
    "unet": {"sample": {2: "h", 3: "w"}, "noise": {2: "h", 3: "w"}},
    "decode": {"latent": {2: "h", 3: "w"}, "styled": {1: "H", 2: "W"}},
}
_OUTPUT = {
    "text_encoder": "prompt_embeds",
    "encode": "latent",
    "unet": "noise",
    "decode": "styled",
}


def export_cpu(folder: Path, progress: Callable[[str], None] = print) -> None:
    """Writes `{text_encoder,encode,unet,decode}.onnx` into a diffusers folder: all of them, or
    nothing changes.

    Args:
        folder: of the SDXS, SD-Turbo, Tiny-SD or pocket family.
        progress: gets a line for each graph.

    Raises:
        MissingError: the folder is refused (`ModelFolder.open`).
        SdcamError: it cannot be written, or a network cannot be exported.
    """
    model = ModelFolder.open(folder)
    if not os.access(folder, os.W_OK):  # told now, not after minutes of tracing
        raise SdcamError(f"{folder} cannot be written.", "Check its permissions.")
    modules = load_modules(model)
    inputs = example_inputs(model)
    graphs: dict[Path, bytes] = {}
    for network in NETWORKS:
        try:
            graph, referred = _graph(model, network, modules[network], inputs[network])
        except Exception as fault:  # torch raises anything
            raise SdcamError(
                f"The graph {network} of {folder} could not be made "
                f"({type(fault).__name__}: {str(fault).strip().partition(chr(10))[0]}).",
                "Nothing was changed. Is it a model of the SDXS, SD-Turbo or Tiny-SD family?",
            ) from fault
        path = model.graph(network)
        graphs[path] = graph.SerializeToString()
        size = len(graphs[path]) / 1000
        weights = model.weights_of(network).name
        progress(f"{path.name:18} {size:6.0f} kB, {referred} tensors of {weights}")
    try:
        _write_all(graphs)
    except OSError as fault:
        raise SdcamError(
            f"The graphs could not be written into {folder} ({fault.strerror}).",
            "Nothing was changed. Make room there or check its permissions, and try again.",
        ) from None


def example_inputs(
    model: ModelFolder, size: int = _TRACED, seed: int = 0
) -> dict[str, dict[str, torch.Tensor]]:
    """Inputs of each network by name: noise of the right shape and range."""
    random = torch.Generator().manual_seed(seed)
    latent = (1, model.latent_channels, size // 8, size // 8)
    time = TimeEmbedding(model)(499)
    words = int(model.text_encoder["vocab_size"])
    return {
        "text_encoder": {"input_ids": torch.randint(0, words, (1, TOKENS), generator=random)},
        "encode": {
            "image": torch.randint(0, 256, (1, size, size, 3), generator=random).to(torch.uint8)
        },
        "unet": {
            "sample": torch.randn(latent, generator=random),
            "time_embedding": torch.from_numpy(time),
            "prompt_embeds": torch.randn(1, TOKENS, model.embed_channels, generator=random),
        },
        "decode": {"latent": torch.randn(latent, generator=random)},
    }


def _graph(
    model: ModelFolder, network: str, module: torch.nn.Module, inputs: dict[str, torch.Tensor]
) -> tuple[onnx.ModelProto, int]:
    """A network's graph, and how many of its weights are the checkpoint's."""
    _make_weights_differ(module)
    graph = _trace(network, module, inputs)
    weights = WeightsFile.open(model.weights_of(network))
    names = _tensor_names(graph.graph, weights)
    referred = point_to_weights(graph.graph, weights, model.path, names)
    _refuse_weights_inside(network, graph)
    shorten_names(graph.graph)
    helper.set_model_props(graph, {WEIGHTS_LAYOUT: weights.layout})
    return graph, referred


def _make_weights_differ(module: torch.nn.Module) -> None:
    """The exporter merges parameters of equal value (all those biases of zeros), and then the graph
    would be wrong for the next checkpoint of the same layout. Their values do not matter here."""
    for parameter in module.parameters():
        parameter.copy_(torch.rand_like(parameter))


def _trace(
    network: str, module: torch.nn.Module, inputs: dict[str, torch.Tensor]
) -> onnx.ModelProto:
    buffer = io.BytesIO()
    with torch.inference_mode(), warnings.catch_warnings():
        # The tracer warns about Python branches; the shapes they test are the same for all sizes.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            buffer,
            dynamo=False,  # the other exporter renames and merges the parameters
            do_constant_folding=False,
            input_names=list(inputs),
            output_names=[_OUTPUT[network]],
            dynamic_axes=_DYNAMIC[network],
            opset_version=_OPSET,
        )
    return onnx.load_model_from_string(buffer.getvalue())


def _tensor_names(graph: onnx.GraphProto, weights: WeightsFile) -> dict[str, str]:
    """An initializer is the module's path to a parameter; checkpoints leave out its beginning,
    and some text encoders leave out or add "text_model."."""
    found = {}
    for initializer in graph.initializer:
        name = initializer.name.partition(".")[2]
        for candidate in (name, name.removeprefix("text_model."), f"text_model.{name}"):
            if candidate in weights.tensors:
                found[initializer.name] = candidate
                break
    return found


def _refuse_weights_inside(network: str, model: onnx.ModelProto) -> None:
    for initializer in model.graph.initializer:
        if initializer.data_location == onnx.TensorProto.EXTERNAL:
            continue
        if initializer.ByteSize() > _LARGEST_CONSTANT:
            raise ValueError(f"{network}: {initializer.name} was not found in the checkpoint")


def _write_all(files: Mapping[Path, bytes]) -> None:
    """No name is given before all are on the disk: a half set of graphs would be loaded."""
    parts = {path.with_name(f"{path.name}.part"): path for path in files}
    with termination_interrupts():
        try:
            for part, path in parts.items():
                part.write_bytes(files[path])
            for part, path in parts.items():
                part.replace(path)
        finally:
            for part in parts:
                with suppress(OSError):
                    part.unlink()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sdcam_convert.cpu", description=__doc__)
    parser.add_argument("folder", type=Path, help="a diffusers folder")
    folder = parser.parse_args(arguments).folder
    try:
        export_cpu(folder)
        differences = cpu_agreement(ModelFolder.open(folder))
    except SdcamError as fault:
        print(fault, file=sys.stderr)
        return int(fault.exit_code)
    for network, difference in differences.items():
        print(f"{network:18} {difference:.1e} relative difference from diffusers")
    return int(any(differences[network] > TOLERANCE[network] for network in NETWORKS))


if __name__ == "__main__":
    sys.exit(main())
