"""ONNX graphs whose weights are the checkpoint's own safetensors file.

ONNX lets an initializer be "external data": a file below the graph's folder, an offset and a
length. A safetensors file is just that behind its header, so the graph stays a few hundred kB and
the weights exist once on disk. Half-precision weights get a Cast, which runtimes fold away.
"""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from sdcam.models.weights import Tensor, WeightsFile

_TYPES = {"F32": TensorProto.FLOAT, "F16": TensorProto.FLOAT16, "BF16": TensorProto.BFLOAT16}


def point_to_weights(
    graph: onnx.GraphProto, weights: WeightsFile, folder: Path, names: dict[str, str]
) -> int:
    """Replaces the initializers' data by references.

    Args:
        graph: changed in place.
        weights: the checkpoint's file, somewhere below `folder`.
        folder: where the graph will be saved.
        names: initializer to tensor of the file.

    Returns:
        How many initializers refer to the file now.
    """
    location = weights.path.relative_to(folder).as_posix()
    casts = []
    for initializer in graph.initializer:
        tensor = weights.tensors.get(names.get(initializer.name, ""))
        if tensor is None:
            continue
        if list(tensor.shape) != list(initializer.dims):
            raise ValueError(f"{initializer.name} is {tensor.shape} in {weights.path}")
        if tensor.dtype != "F32":
            stored = f"{initializer.name}.stored"
            casts.append(
                helper.make_node("Cast", [stored], [initializer.name], to=TensorProto.FLOAT)
            )
            initializer.name = stored
        _refer(initializer, tensor, location)
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    return sum(i.data_location == TensorProto.EXTERNAL for i in graph.initializer)


def shorten_names(graph: onnx.GraphProto) -> None:
    """Gives values inside the graph numbers for names: the tracer's are paths, and three quarters
    of the file. Nodes keep theirs for profiles, weights, inputs and outputs for what they are."""
    values = [*graph.input, *graph.output, *graph.initializer]
    kept = {value.name for value in values}
    short: dict[str, str] = {}
    for node in graph.node:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                if name and name not in kept:
                    names[i] = short.setdefault(name, str(len(short)))


def _refer(initializer: onnx.TensorProto, tensor: Tensor, location: str) -> None:
    for field in ("raw_data", "float_data", "int32_data"):
        initializer.ClearField(field)
    initializer.data_type = _TYPES[tensor.dtype]
    initializer.data_location = TensorProto.EXTERNAL
    where = {"location": location, "offset": tensor.offset, "length": tensor.length}
    for key, value in where.items():
        entry = initializer.external_data.add()
        entry.key, entry.value = key, str(value)
