"""A conversion gives a whole bundle, or leaves nothing behind."""

from __future__ import annotations

import json
import resource
from collections import OrderedDict
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sdcam.errors import MissingError, SdcamError, UsageError
from sdcam.models import ModelFolder
from sdcam.models.tokenizer import ClipTokenizer
from sdcam.models.weights import WeightsFile
from sdcam_convert.coreml import process, workspace
from sdcam_convert.coreml.convert import convert_coreml
from sdcam_convert.coreml.options import CoreMLOptions
from sdcam_convert.coreml.process import make_program
from sdcam_convert.coreml.programs import build_program
from sdcam_convert.mil import Program

SIZE = {"width": 384, "height": 320}
LATENT, TIME, PROMPT, IMAGE = (1, 4, 40, 48), (1, 16), (1, 77, 8), (384, 320)


@pytest.fixture(scope="module")
def make(tiny_model, tmp_path_factory):
    """Converts one program, and gives its packages."""

    def make(name, **options):
        folder = tmp_path_factory.mktemp("packages")
        made = make_program(name, tiny_model, CoreMLOptions(**SIZE, **options), folder)
        return [folder / package for package in made.packages]

    return make


def borders(package):
    """Name to shape of the inputs and of the outputs; everything that is no picture is checked to
    be float32, but for the tokens."""
    import coremltools as ct

    description = ct.models.MLModel(str(package), skip_model_load=True).get_spec().description
    return [
        {feature.name: _shape(feature) for feature in features}
        for features in (description.input, description.output)
    ]


def _shape(feature):
    from coremltools.proto import FeatureTypes_pb2

    if feature.type.WhichOneof("Type") == "imageType":
        assert feature.type.imageType.colorSpace == FeatureTypes_pb2.ImageFeatureType.RGB
        return (feature.type.imageType.width, feature.type.imageType.height)
    array = feature.type.multiArrayType
    kind = "INT32" if feature.name == "input_ids" else "FLOAT32"
    assert FeatureTypes_pb2.ArrayFeatureType.ArrayDataType.Name(array.dataType) == kind
    return tuple(array.shape)


STEP = {"feedback": (1,), "sqrt_alpha": (1,), "sqrt_one_minus_alpha": (1,)}
INPUTS = {
    "fused": {
        "image": IMAGE,
        "prompt_embeds": PROMPT,
        "noise": LATENT,
        "previous_latent": LATENT,
        "time_embedding": TIME,
        **STEP,
    },
    "encode": {"image": IMAGE},
    "unet": {"sample": LATENT, "time_embedding": TIME, "prompt_embeds": PROMPT},
    "decode": {"latent": LATENT},
    "text_encoder": {"input_ids": (1, 77)},
}
OUTPUTS = {
    "fused": {"styled", "latent"},
    "encode": {"latent"},
    "unet": {"noise"},
    "decode": {"styled"},
    "text_encoder": {"prompt_embeds"},
}


@pytest.mark.parametrize("name", INPUTS)
def test_every_program_has_the_borders_that_the_service_expects(tiny_conversion, name):
    inputs, outputs = borders(tiny_conversion.bundle.program(name))
    assert inputs == INPUTS[name]
    assert set(outputs) == OUTPUTS[name]
    assert outputs.get("styled", IMAGE) == IMAGE


def test_the_card_tells_what_it_was_made_from_and_how(tiny_conversion):
    card = tiny_conversion.bundle.card
    assert (card.model, card.source, card.revision, card.licence) == (
        "tiny-model",
        "somebody/tiny",
        "abc",
        "MIT",
    )
    assert (card.width, card.height, card.latent_channels) == (384, 320, 4)
    assert (card.embed_channels, card.time_channels) == (8, 16)
    assert card.layouts == ("fused", "staged") and card.compression == ""
    assert card.scheduler["beta_end"] == 1e-4
    assert card.made_with["coremltools"] and card.made_with["torch"]


def test_the_card_has_the_hash_of_every_file(tiny_conversion):
    bundle = tiny_conversion.bundle
    assert set(bundle.verify_files()) == set(bundle.card.files)
    there = {str(p.relative_to(bundle.path)) for p in bundle.path.rglob("*") if p.is_file()}
    assert there == {*bundle.card.files, "bundle.json"}


def test_time_embedding_and_tokenizer_are_the_checkpoints_own(
    tiny_conversion, tiny_model, references
):
    ours = WeightsFile.open(tiny_conversion.bundle.path / "time_embedding.safetensors")
    theirs = WeightsFile.open(tiny_model.unet_weights)
    for name in ours.tensors:
        assert ours.tensors[name].dtype == "F32"
        assert np.array_equal(ours.read(name), theirs.read(name))
    assert len(ours.tensors) == 4
    tokenize = ClipTokenizer(tiny_conversion.bundle.path / "tokenizer")
    for text, tokens in zip(references["texts"], references["tokens"], strict=True):
        assert np.array_equal(tokenize(str(text))[0], tokens)


def test_the_summary_says_time_memory_and_size(tiny_conversion):
    assert "fused: converting" in tiny_conversion.lines
    for name in INPUTS:
        line = next(
            line for line in tiny_conversion.lines if line.startswith(f"{name}: ") and "MB" in line
        )
        assert " s, " in line and "GB of memory" in line
    assert "GB of memory at most" in tiny_conversion.lines[-1]


def test_nothing_else_lies_beside_the_bundle(tiny_conversion):
    assert list(tiny_conversion.bundle.path.parent.iterdir()) == [tiny_conversion.bundle.path]


def test_an_existing_folder_is_never_written_into(tiny_model, tmp_path):
    with pytest.raises(UsageError, match="already there"):
        convert_coreml(tiny_model, tmp_path, CoreMLOptions(), print)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("limit", [0, 4000])
def test_a_disk_that_fills_up_leaves_nothing_behind(tiny_model, tmp_path, limit):
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, usual[1]))
    try:
        with pytest.raises(SdcamError, match="Nothing was kept"):
            convert_coreml(tiny_model, tmp_path / "out", CoreMLOptions(layout="staged"), str)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_told_at_once(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(workspace.shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000))
    lines = []
    with pytest.raises(SdcamError, match="is full, this needs"):
        convert_coreml(tiny_model, tmp_path / "out", CoreMLOptions(), lines.append)
    assert lines == [] and list(tmp_path.iterdir()) == []


def test_control_c_leaves_nothing_behind(tiny_model, tmp_path):
    def interrupt(line):
        if "unet: converting" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        options = CoreMLOptions(layout="staged", **SIZE)
        convert_coreml(tiny_model, tmp_path / "out", options, interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tiny_model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingError, match=r"file.out cannot be written"):
        convert_coreml(tiny_model, tmp_path / "file" / "out", CoreMLOptions(), print)


def test_a_unet_that_embeds_time_in_another_way_is_refused(tiny_copy, tmp_path):
    path = tiny_copy / "unet" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "class_embed_type": "timestep"}))
    with pytest.raises(MissingError, match="embeds the timestep"):
        convert_coreml(ModelFolder.open(tiny_copy), tmp_path / "out", CoreMLOptions(), print)
    assert not (tmp_path / "out").exists()


def test_the_stateful_program_keeps_the_previous_latent_itself(make):
    import coremltools as ct

    (package,) = make("fused", stateful=True, target="macOS15")
    inputs, outputs = borders(package)
    assert "previous_latent" not in inputs and set(outputs) == OUTPUTS["fused"]
    (state,) = ct.models.MLModel(str(package), skip_model_load=True).get_spec().description.state
    assert state.name == "previous_latent"
    assert tuple(state.type.stateType.arrayType.shape) == LATENT


def test_chunks_of_the_unet_compute_together_what_it_computes(make, tiny_model, relative):
    chosen = {"layout": "staged", "chunks": 2, "attention": "split-einsum"}
    packages = make("unet", **chosen)
    assert [package.name for package in packages] == ["unet_1.mlpackage", "unet_2.mlpackage"]
    random = torch.Generator().manual_seed(0)
    given = {name: torch.randn(shape, generator=random) for name, shape in INPUTS["unet"].items()}
    unet = build_program("unet", tiny_model, CoreMLOptions(**SIZE, **chosen)).module
    known = {name: value.numpy() for name, value in given.items()}
    for package in packages:
        inputs, _ = borders(package)
        results = Program.load(package).run({name: known[name] for name in inputs})
        known.update(results)
    assert set(results) == {"noise"}
    assert relative(known["noise"], unet(*given.values()).numpy()) < 3e-3


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    """A program of two layers."""
    from sdcam_convert.coreml.package import _convert
    from sdcam_convert.coreml.programs import Feature, TraceableProgram

    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(256, 256), torch.nn.Linear(256, 256))
    layer = torch.nn.Sequential(OrderedDict(unet=layers)).eval()  # only a UNet's are compressed
    program = TraceableProgram(
        "linear", layer, (Feature("x", (1, 256)),), (Feature("y", (1, 256)),)
    )
    path = tmp_path_factory.mktemp("linear") / "linear.mlpackage"
    return lambda precision: _saved(_convert(program, CoreMLOptions(precision=precision)), path)


def _saved(model, path):
    model.save(str(path))
    return path


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_fewer_bits_make_smaller_packages(linear, precision):
    from sdcam_convert.coreml.compression import compress

    def size(how):
        package = linear(precision)
        if how != "none":
            compress(package, CoreMLOptions(compress=how, precision=precision))
        return (package / "Data/com.apple.CoreML/weights/weight.bin").stat().st_size

    kinds = ["palette-2", "mixed-3", "palette-4", "palette-6", "int8", "none"]
    sizes = [size(kind) for kind in kinds]
    assert sizes == sorted(sizes) and len(set(sizes)) == len(kinds)
    assert size("palette-8") < sizes[-1] * 0.6


def test_a_large_program_is_made_in_a_process_of_its_own(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(process, "_LARGE", 0)
    made = make_program("encode", tiny_model, CoreMLOptions(**SIZE), tmp_path)
    assert made.packages == ("encode.mlpackage",)
    assert made.peak > 1e8 and made.size > 1000
    assert [path.name for path in tmp_path.iterdir()] == ["encode.mlpackage"]
