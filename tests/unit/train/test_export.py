"""What is exported paints what was trained, and is a diffusers folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
pytest.importorskip("skimage")
# ruff: noqa: E402
from sdcam.engines.torch_modules import unet_class
from sdcam_train import networks, tokens
from sdcam_train.export import difference, export
from sdcam_train.prompts import GALLERY
from sdcam_train.student import Student


def test_an_exported_model_paints_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    tokenizer = tokens.build([*GALLERY.values()] * 10, tmp_path / "tokens")
    student = Student(
        tokenizer,
        networks.text_encoder(len(tokenizer)).eval(),
        networks.unet(networks.ARCHITECTURE).eval(),
        networks.autoencoder(networks.ARCHITECTURE).eval(),
        networks.alphas_cumprod(),
    )
    folder = tmp_path / "model"
    export(student, folder)
    assert difference(student, folder) < 2
    index = json.loads((folder / "model_index.json").read_text())
    parts = [name for name, kind in index.items() if isinstance(kind, list) and kind[0]]
    assert len(parts) == 5
    assert all((folder / name).is_dir() for name in parts)
    words = json.loads((folder / "words.json").read_text())
    assert words["styles"] == GALLERY
    assert len(words["light"]) >= 12
    for name in ("unet", "vae", "text_encoder"):
        assert list((folder / name).glob("*.safetensors"))
    scheduler = diffusers.DDPMScheduler.from_pretrained(folder / "scheduler")
    torch.testing.assert_close(scheduler.alphas_cumprod, networks.alphas_cumprod())


def test_the_service_loads_the_exported_unet_without_normalisation(tmp_path: Path) -> None:
    torch.manual_seed(0)
    unet = networks.unet(networks.ARCHITECTURE).eval()
    torch.nn.init.normal_(unet.conv_out.weight, std=0.05)
    unet.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    loaded = unet_class(config).from_pretrained(tmp_path, low_cpu_mem_usage=False)
    assert not any(isinstance(module, torch.nn.GroupNorm) for module in loaded.modules())
    inputs = torch.randn(1, 36, 8, 8), torch.tensor([499])
    text = torch.randn(1, 77, 64)
    with torch.no_grad():
        outputs = [model(*inputs, encoder_hidden_states=text).sample for model in (unet, loaded)]
    torch.testing.assert_close(outputs[0], outputs[1])
    assert unet_class({"_class_name": "UNet2DConditionModel"}) is diffusers.UNet2DConditionModel


def test_words_seen_in_training_are_few_tokens(tmp_path: Path) -> None:
    tokenizer = tokens.build([*GALLERY.values()] * 10, tmp_path)
    assert tokenizer.tokenize("Oil painting") == ["oil</w>", "painting</w>"]
    ids = tokenizer("oil painting", padding="max_length", max_length=77).input_ids
    assert len(ids) == 77
    assert ids[0] == len(tokenizer) - 2
    assert ids[-1] == len(tokenizer) - 1
