"""A model folder says what the model is, or in one sentence why it cannot be run."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path

import pytest

from sdcam.errors import ExitCode, MissingError
from sdcam.models import ModelFolder
from sdcam.models.catalogue import Provenance, known


def edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def refusal(folder) -> MissingError:
    with pytest.raises(MissingError) as caught:
        ModelFolder.open(folder)
    assert caught.value.exit_code == ExitCode.MISSING
    assert caught.value.todo
    assert str(folder) in caught.value.what
    return caught.value


def test_a_whole_folder_tells_the_shapes_of_its_networks(tiny_model):
    assert tiny_model.name == "tiny-model"
    assert tiny_model.patch == 4
    assert tiny_model.latent_channels == 4
    assert tiny_model.embed_channels == 8
    assert tiny_model.latent_factor == 1.0
    assert tiny_model.has_graphs


def test_a_folder_without_graphs_is_whole_and_says_so(tiny_copy):
    (tiny_copy / "unet.onnx").unlink()
    assert not ModelFolder.open(tiny_copy).has_graphs


def test_half_precision_weights_are_preferred(tiny_copy):
    whole = tiny_copy / "unet" / "diffusion_pytorch_model.safetensors"
    half = whole.with_name("diffusion_pytorch_model.fp16.safetensors")
    shutil.copy(whole, half)
    assert ModelFolder.open(tiny_copy).unet_weights == half


def test_taesd_takes_the_place_of_a_large_autoencoder(tiny_copy):
    shutil.copytree(tiny_copy / "vae", tiny_copy / "taesd")
    edit(tiny_copy / "vae" / "config.json", _class_name="AutoencoderKL")
    assert ModelFolder.open(tiny_copy).vae_folder == tiny_copy / "taesd"


@pytest.mark.parametrize(
    "missing",
    [
        "model_index.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
        "text_encoder/config.json",
        "text_encoder/model.safetensors",
        "scheduler/scheduler_config.json",
    ],
)
def test_a_missing_file_is_named(tiny_copy, missing):
    (tiny_copy / missing).unlink()
    assert missing in refusal(tiny_copy).what


@pytest.mark.parametrize("missing", ["vocab.json", "merges.txt"])
def test_a_tokenizer_is_one_file_or_two(tiny_copy, missing):
    (tiny_copy / "tokenizer" / missing).unlink()
    ModelFolder.open(tiny_copy)
    (tiny_copy / "tokenizer" / "tokenizer.json").unlink()
    assert f"tokenizer/{missing}" in refusal(tiny_copy).what


def test_what_was_pulled_and_is_not_whole_tells_how_to_pull_it_again(tiny_copy):
    (tiny_copy / "unet" / "config.json").unlink()
    assert "sdcam models pull" in refusal(tiny_copy).todo, "put there by hand"
    turbo = known("sd-turbo")
    for origin, pull in (
        (Provenance(source=turbo.hub, revision=turbo.revision), "sd-turbo"),
        (Provenance(source="some/one", revision="0123"), "some/one --revision 0123"),
        (Provenance(source="/stick/one"), "tiny --from /stick/one"),
    ):
        origin.write(tiny_copy)
        todo = f"sdcam models remove tiny, then sdcam models pull {pull}."
        assert refusal(tiny_copy).todo == f"Get it again: {todo}"


def test_damaged_weights_are_told_the_same_way(tiny_copy):
    weights = tiny_copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    told = refusal(tiny_copy)
    assert "damaged" in told.what and "sdcam models pull" in told.todo


def test_weights_that_may_not_be_read_are_not_downloaded_again(tiny_copy, monkeypatch):
    def refuse(self, *words, _open=Path.open, **more):
        if self.suffix == ".safetensors":
            raise PermissionError(errno.EACCES, "Permission denied")
        return _open(self, *words, **more)

    monkeypatch.setattr(Path, "open", refuse)  # a root is refused nothing
    told = refusal(tiny_copy)
    assert "cannot be read (Permission denied)" in told.what
    assert told.todo == "Check the file's permissions."


def test_a_bundle_is_told_from_the_model_that_it_was_made_from(tmp_path):
    for name in ("bundle.json", "time_embedding.safetensors"):
        (tmp_path / name).write_text("")
    assert "holds a converted model" in refusal(tmp_path).what


def test_a_folder_that_is_not_there(tmp_path):
    assert "no model folder" in refusal(tmp_path / "nowhere").what


def test_a_file_is_no_folder(tiny_copy):
    assert "not a diffusers folder" in refusal(tiny_copy / "model_index.json").what


def test_a_single_file_checkpoint_is_told_from_a_diffusers_folder(tmp_path):
    (tmp_path / "sd_turbo.safetensors").write_bytes(b"")
    assert "single-file checkpoint" in refusal(tmp_path).what


@pytest.mark.parametrize("name", ["diffusion_pytorch_model.bin", "model.ckpt", "unet.pt"])
def test_pickles_are_refused(tiny_copy, name):
    weights = tiny_copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_name(name))
    assert "are pickles" in refusal(tiny_copy).what


def test_pickles_beside_safetensors_are_left_alone(tiny_copy):
    (tiny_copy / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04.")
    ModelFolder.open(tiny_copy)


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("model_index.json", {"_class_name": "StableDiffusionXLPipeline"}),
        ("unet/config.json", {"addition_embed_type": "text_time"}),
        ("unet/config.json", {"_class_name": "SD3Transformer2DModel"}),
        ("text_encoder/config.json", {"model_type": "t5"}),
    ],
)
def test_other_families_are_refused(tiny_copy, file, changes):
    edit(tiny_copy / file, **changes)
    assert "another family" in refusal(tiny_copy).what


def test_a_large_autoencoder_alone_is_refused_with_the_way_out(tiny_copy):
    edit(tiny_copy / "vae" / "config.json", _class_name="AutoencoderKL")
    told = refusal(tiny_copy)
    assert "no tiny autoencoder" in told.what
    assert str(tiny_copy / "taesd") in told.todo


def test_split_weights_are_refused(tiny_copy):
    weights = tiny_copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_name("diffusion_pytorch_model.safetensors.index.json"))
    assert "split over several files" in refusal(tiny_copy).what


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_damaged_json_is_named(tiny_copy, text):
    (tiny_copy / "unet" / "config.json").write_text(text)
    told = refusal(tiny_copy)
    assert "unet/config.json" in told.what
    assert "damaged" in told.what


@pytest.mark.parametrize(
    ("file", "changes", "what"),
    [
        ("vae/config.json", {"num_encoder_blocks": [1, 3, 3, 3]}, "shrink pictures by 8"),
        ("vae/config.json", {"latent_channels": 16}, "different latent channels"),
        ("unet/config.json", {"cross_attention_dim": 1024}, "another text encoder"),
        ("unet/config.json", {"in_channels": None}, "configuration that is damaged"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(tiny_copy, file, changes, what):
    edit(tiny_copy / file, **changes)
    assert what in refusal(tiny_copy).what
