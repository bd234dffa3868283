"""A compressed bundle passes if its weights are the checkpoint's, rounded, and fails if not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel

from sdcam.models import ModelFolder
from sdcam.models.bundle import Bundle, sha256
from sdcam_convert.coreml.compression import compress
from sdcam_convert.coreml.convert import convert_coreml
from sdcam_convert.coreml.options import CoreMLOptions
from sdcam_convert.coreml.process import make_program
from sdcam_convert.mil.package import read_program
from sdcam_convert.verification import verify_bundle
from sdcam_convert.weight_check import WEIGHT_GATES, check_weights

SIZE = {"width": 320, "height": 320}
LAYERS = 23  # of the wide UNet that have 2,048 weights or more


@pytest.fixture(scope="module")
def wide_model(tiny_model: ModelFolder, tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    """The tiny model with a UNet whose layers are large enough to be compressed."""
    folder = Path(shutil.copytree(tiny_model.path, tmp_path_factory.mktemp("wide") / "model"))
    config = UNet2DConditionModel.load_config(folder / "unet")
    torch.manual_seed(0)
    unet = UNet2DConditionModel.from_config({**config, "block_out_channels": (16, 32)})
    unet.half().save_pretrained(folder / "unet")
    return ModelFolder.open(folder)


@pytest.fixture(scope="module")
def compressed(wide_model: ModelFolder, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    out = tmp_path_factory.mktemp("compressed") / "bundle"
    return convert_coreml(wide_model, out, CoreMLOptions(**SIZE, compress="palette-4"), str)


def test_a_compressed_bundle_passes_and_its_unet_is_compressed(
    compressed: Bundle, wide_model: ModelFolder
) -> None:
    report = verify_bundle(compressed, wide_model)
    assert report.passed, report.table()
    weights = {line.program: line for line in report.lines if line.output == "weights"}
    assert weights["fused"].case == f"worst of {LAYERS}"
    assert weights["text_encoder"].case == "worst of 1"  # its vocabulary; the rest is small
    for program in ("fused", "text_encoder"):  # 0.0625 is what 16 values do to even weights
        assert 0.05 < weights[program].difference.relative_l2 < WEIGHT_GATES[4]
    pictures = [line.difference.relative_l2 for line in report.lines if line.output == "styled"]
    assert max(pictures) > 3e-3  # beyond the gate of what is not compressed


def test_the_autoencoder_is_left_as_it_is(compressed: Bundle) -> None:
    _, program = read_program(compressed.program("fused"))
    kinds = {
        operation.name: operation.op_type
        for operation in program.functions["main"].operations
        if operation.op_type.startswith("constexpr_")
    }
    assert len(kinds) == LAYERS and all(name.startswith("unet_") for name in kinds)


def turn_round(package: Path, layer: str) -> None:
    """Turns a layer's palette, as a conversion gone wrong might have written it."""
    _, program = read_program(package)
    palette = next(
        operation.inputs["lut"].val
        for operation in program.functions["main"].operations
        if operation.op_type == "constexpr_lut_to_dense" and layer in operation.name
    )
    file = next(package.rglob("weight.bin"))
    content, known = file.read_bytes(), np.asarray(palette).tobytes()
    assert content.count(known) == 1
    file.write_bytes(content.replace(known, np.asarray(palette)[::-1].tobytes()))


@pytest.mark.parametrize(
    ("program", "layer"),
    [("fused", "up_blocks_0_resnets_1_conv1"), ("text_encoder", "embeddings_token_embedding")],
)
def test_one_layer_with_its_palette_turned_round_fails(
    compressed: Bundle, wide_model: ModelFolder, tmp_path: Path, program: str, layer: str
) -> None:
    copy = Path(shutil.copytree(compressed.path, tmp_path / "bundle"))
    turn_round(copy / f"{program}.mlpackage", layer)
    hashes = {name: sha256(copy / name) for name in compressed.card.files}
    card = replace(compressed.card, files=hashes)  # not a fault of the disk
    report = verify_bundle(replace(compressed, path=copy, card=card), wide_model)
    (failed,) = [line for line in report.lines if line.output == "weights" and not line.passed]
    assert failed.program == program and failed.difference.relative_l2 > 1.5
    (finding,) = report.findings
    assert layer in finding.place and "from the checkpoint's weights, at 4 bits" in finding.what
    assert not report.passed


def test_weights_that_the_checkpoint_does_not_have_are_found(
    compressed: Bundle, wide_model: ModelFolder, tiny_model: ModelFolder
) -> None:
    lines, findings = check_weights(compressed.program("fused"), tiny_model)
    assert lines == [] and len(findings) == LAYERS
    assert "compressed, and not of the checkpoint" in str(findings[0])


@pytest.fixture(scope="module")
def chunks(wide_model: ModelFolder, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wide UNet as macOS 15 has it, in two programs, not compressed."""
    folder = tmp_path_factory.mktemp("chunks")
    options = CoreMLOptions(**SIZE, layout="staged", chunks=2, target="macOS15")
    return [folder / name for name in make_program("unet", wide_model, options, folder).packages]


@pytest.mark.parametrize("how", ["int8", "mixed-3"])
def test_layers_are_found_again_in_chunks_and_as_macos_15_writes_them(
    chunks: list[Path], wide_model: ModelFolder, tmp_path: Path, how: str
) -> None:
    found = 0
    for chunk in chunks:
        copy = Path(shutil.copytree(chunk, tmp_path / chunk.name))
        compress(copy, CoreMLOptions(compress=how, target="macOS15"))
        (line,), findings = check_weights(copy, wide_model)
        assert line.passed and not findings
        found += int(line.case.split()[-1])
    assert found == LAYERS


def test_a_layer_in_bytes_is_nearer_than_one_in_a_palette(
    tiny_conversion: SimpleNamespace, tiny_model: ModelFolder, tmp_path: Path
) -> None:
    program = tiny_conversion.bundle.program("text_encoder")
    copy = Path(shutil.copytree(program, tmp_path / program.name))
    compress(copy, CoreMLOptions(compress="int8"))
    (line,), findings = check_weights(copy, tiny_model)
    assert not findings and 1e-3 < line.difference.relative_l2 < 0.01


def test_a_program_without_large_layers_is_left_as_it_is(
    tiny_conversion: SimpleNamespace, tiny_model: ModelFolder, tmp_path: Path
) -> None:
    program = tiny_conversion.bundle.program("unet")
    copy = Path(shutil.copytree(program, tmp_path / program.name))
    compress(copy, CoreMLOptions(compress="int8"))
    for file in (path for path in program.rglob("*") if path.is_file()):
        assert (copy / file.relative_to(program)).read_bytes() == file.read_bytes()
    assert check_weights(copy, tiny_model) == ([], [])
