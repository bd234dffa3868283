"""What must not be in a converted program, looked for in its description alone: no weights.

- sine or cosine: a timestep that the program embeds itself, 7 % off in half precision at t = 999;
- attention of three dimensions, or of a batch of ten and more: wrong results on some GPUs
  (https://github.com/apple/coremltools/issues/2650);
- inputs or outputs in float16: coremltools casts them to a new array at every call;
- operations that no model of the family needs: they come from a conversion gone astray.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sdcam_convert.mil.package import ArrayFeatureType, read_description

_NAMES = """
add sub mul real_div maximum minimum square sqrt rsqrt clip cast select greater_equal
relu sigmoid silu gelu tanh erf softmax
conv linear matmul einsum scaled_dot_product_attention
batch_norm instance_norm layer_norm reduce_mean reduce_sum
pad pixel_shuffle pixel_unshuffle upsample_nearest_neighbor
reshape transpose expand_dims squeeze concat stack split tile slice_by_index slice_update
gather identity
const constexpr_affine_dequantize constexpr_blockwise_shift_scale constexpr_lut_to_dense
read_state write_state
"""
ALLOWED: Final = frozenset(_NAMES.split())
_WAVES: Final = ("sin", "cos")
_ATTENTION: Final = ("softmax", "matmul", "scaled_dot_product_attention")
_LARGEST_BATCH = 9


@dataclass(frozen=True)
class Finding:
    package: str  # "fused.mlpackage"
    place: str  # name of the operation, input or output
    what: str

    def __str__(self) -> str:
        return f"{self.package}, {self.place}: {self.what}"


def check_graph(path: Path) -> list[Finding]:
    """
    Args:
        path: a saved `.mlpackage`.

    Returns:
        Nothing, if all is well.

    Raises:
        MissingError: no ML Program that can be read.
    """
    model = read_description(path)
    found = [
        *_half_host(model.description),
        *(
            (operation.attributes["name"].immediateValue.tensor.strings.values[0], fault)
            for block in _blocks(model.mlProgram)
            for operation, fault in _faults(block)
        ),
    ]
    return [Finding(path.name, place, what) for place, what in found]


def _half_host(description: Any) -> Iterator[tuple[str, str]]:
    for feature in (*description.input, *description.output):  # states have to be float16
        if feature.type.multiArrayType.dataType == ArrayFeatureType.FLOAT16:
            yield feature.name, "is float16, which is cast to a new array at every call"


def _blocks(program: Any) -> Iterator[Any]:
    for function in program.functions.values():
        yield from function.block_specializations.values()


def _faults(block: Any) -> Iterator[tuple[Any, str]]:
    constants: set[str] = set()
    for operation in block.operations:
        kind = operation.type
        if kind == "const" or kind.startswith("constexpr_"):
            constants.update(output.name for output in operation.outputs)
        if kind in _WAVES:
            yield operation, f"{kind} of a timestep, which half precision ruins"
        elif kind not in ALLOWED:
            yield operation, f"the operation {kind}, which no model of the family needs"
        elif kind in _ATTENTION and not _has_constant(operation, constants):
            yield from ((operation, fault) for fault in _bad_attention(operation))
        for inner in operation.blocks:
            yield from _faults(inner)


def _has_constant(operation: Any, constants: set[str]) -> bool:
    """Products with weights are no attention."""
    return operation.type == "matmul" and any(
        binding.name in constants or binding.WhichOneof("binding") == "value"
        for name in ("x", "y")
        for binding in operation.inputs[name].arguments
    )


def _bad_attention(operation: Any) -> Iterator[str]:
    shape = operation.outputs[0].type.tensorType
    if shape.rank == 3:
        yield f"attention ({operation.type}) of three dimensions, wrong on some GPUs"
    elif shape.rank > 3 and shape.dimensions[0].constant.size > _LARGEST_BATCH:
        batch = shape.dimensions[0].constant.size
        yield f"attention ({operation.type}) of a batch of {batch}, wrong on some GPUs"
