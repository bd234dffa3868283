"""Compressed weights come out as coremltools' formats say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import coremltools
import coremltools.optimize.coreml as compression
import numpy as np
import pytest
import torch
from coremltools.converters.mil.mil import Builder as mb  # noqa: N813  as Apple writes it

from sdcam_convert.mil import Program
from sdcam_convert.mil.operation import OPERATIONS

BYTES = torch.tensor([[0, 100, 200], [255, 7, 8]], dtype=torch.uint8)


def run(name: str, **given: Any) -> list[Any]:
    result: list[Any] = OPERATIONS[f"constexpr_{name}"](**given).tolist()
    return result


def test_affine_numbers_have_a_scale_for_all_or_for_each_place_of_an_axis() -> None:
    one = run(
        "affine_dequantize",
        quantized_data=BYTES,
        zero_point=torch.tensor(100),
        scale=torch.tensor(0.5),
        axis=torch.tensor(0),
    )
    assert one == [[-50, 0, 50], [77.5, -46.5, -46]]
    each = run(
        "affine_dequantize",
        quantized_data=BYTES,
        zero_point=torch.tensor([0, 200]),
        scale=torch.tensor([1.0, 2.0]),
        axis=torch.tensor(0),
    )
    assert each == [[0, 100, 200], [110, -386, -384]]


def test_blocks_have_scales_and_offsets_of_their_own() -> None:
    data = torch.arange(8, dtype=torch.int8).reshape(2, 4)
    scale = torch.tensor([[1.0, 10.0]])  # blocks of 2 x 2
    assert run("blockwise_shift_scale", data=data, scale=scale) == [[0, 1, 20, 30], [4, 5, 60, 70]]
    offset = torch.tensor([[1, 2]], dtype=torch.int8)
    shifted = run("blockwise_shift_scale", data=data, scale=scale, offset=offset)
    assert shifted == [[-1, 0, 0, 10], [3, 4, 40, 50]]


def test_a_packed_palette_reads_its_bits_from_the_lowest() -> None:
    lut = torch.tensor([0.0, 0.25, 0.5, 0.75])
    packed = torch.tensor([0b11100100, 0b00000001], dtype=torch.uint8)  # 0 1 2 3, 1 0
    shape = torch.tensor([2, 3])
    assert run("lut_to_dense", indices=packed, lut=lut, shape=shape) == [
        [0, 0.25, 0.5],
        [0.75, 0.25, 0],
    ]


def test_each_block_has_a_palette_of_its_own() -> None:
    """The example of coremltools' documentation."""
    indices = torch.tensor([2, 3, 3, 0, 1, 0, 3, 0, 2, 1, 0, 3], dtype=torch.uint8).reshape(6, 2)
    lut = torch.tensor([1.0, 5, 9, 13, 2, 10, 18, 26]).reshape(2, 1, 4, 1)
    assert run("lut_to_dense", indices=indices, lut=lut) == [
        [9, 13], [13, 1], [5, 1], [26, 2], [18, 10], [2, 26],
    ]  # fmt: skip


def test_entries_of_a_palette_may_be_vectors() -> None:
    indices = torch.tensor([[0, 0], [1, 0]], dtype=torch.uint8)
    lut = torch.tensor([[1.0, 2, 3], [7, 8, 9]]).reshape(1, 1, 2, 3)
    assert run("lut_to_dense", indices=indices, lut=lut, vector_axis=torch.tensor(0)) == [
        [1, 1], [2, 2], [3, 3], [7, 1], [8, 2], [9, 3],
    ]  # fmt: skip


def test_sparse_weights_are_zero_outside_their_mask() -> None:
    values = torch.tensor([5.0, 6, 7])
    mask = torch.tensor([[0, 1, 1], [0, 0, 1]], dtype=torch.uint8)
    assert run("sparse_to_dense", nonzero_data=values, mask=mask) == [[0, 5, 6], [0, 0, 7]]
    packed = torch.tensor([0b100110], dtype=torch.uint8)
    shape = torch.tensor([2, 3])
    assert run("sparse_to_dense", nonzero_data=values, mask=packed, shape=shape) == [
        [0, 5, 6],
        [0, 0, 7],
    ]


def test_a_stored_half_is_a_number() -> None:
    half = torch.tensor([0.5, 2.0])
    assert run("cast", source_val=half, output_dtype="fp32") == [0.5, 2.0]


def linear_package(folder: Path, target: str) -> Any:
    random = np.random.default_rng(0)
    weight = random.standard_normal((64, 64), dtype=np.float32)
    opset = getattr(coremltools.target, target)

    @mb.program(input_specs=[mb.TensorSpec((1, 64))], opset_version=opset)
    def program(x: Any) -> Any:
        return mb.linear(x=x, weight=weight, name="y")

    return coremltools.convert(
        program,
        convert_to="mlprogram",
        minimum_deployment_target=opset,
        compute_precision=coremltools.precision.FLOAT32,
        skip_model_load=True,
    )


@pytest.mark.parametrize(
    ("config", "target", "operation"),
    [
        (
            compression.OpLinearQuantizerConfig(weight_threshold=0),
            "macOS14",
            "constexpr_affine_dequantize",
        ),
        (
            compression.OpLinearQuantizerConfig(
                dtype="int4", granularity="per_block", block_size=32, weight_threshold=0
            ),
            "macOS15",
            "constexpr_blockwise_shift_scale",
        ),
        (
            compression.OpPalettizerConfig(mode="uniform", nbits=6, weight_threshold=0),
            "macOS14",
            "constexpr_lut_to_dense",
        ),
        (
            compression.OpPalettizerConfig(
                mode="uniform",
                nbits=4,
                granularity="per_grouped_channel",
                group_size=16,
                weight_threshold=0,
            ),
            "macOS15",
            "constexpr_lut_to_dense",
        ),
    ],
    ids=["int8", "int4 in blocks", "packed palette", "palettes of groups"],
)
def test_a_saved_compressed_package_computes_with_what_coremltools_unpacks(
    config: Any, target: str, operation: str, tmp_path: Path
) -> None:
    model = linear_package(tmp_path, target)
    whole = compression.OptimizationConfig(global_config=config)
    quantizes = isinstance(config, compression.OpLinearQuantizerConfig)
    shrink = compression.linear_quantize_weights if quantizes else compression.palettize_weights
    small = shrink(model, whole)
    small.save(str(tmp_path / "small.mlpackage"))
    compression.decompress_weights(small).save(str(tmp_path / "unpacked.mlpackage"))
    x = np.random.default_rng(1).standard_normal((1, 64), dtype=np.float32)
    program = Program.load(tmp_path / "small.mlpackage")
    unpacked = Program.load(tmp_path / "unpacked.mlpackage")
    assert operation in program.operations
    assert operation not in unpacked.operations
    ours, theirs = program.run({"x": x}), unpacked.run({"x": x})
    np.testing.assert_allclose(ours["y"], theirs["y"], rtol=1e-5, atol=1e-5)
