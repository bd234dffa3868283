"""A Mac that is none: coremltools' rules, with the replay engine's arithmetic behind them."""

from __future__ import annotations

import gc
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_coremltools import FakeCoreML
from safetensors.numpy import save_file

from sdcam.engines.coreml import system
from sdcam.engines.host_side import HostSide
from sdcam.engines.replay.toy import ToyNetworks
from sdcam.models import ModelFolder
from sdcam.models.bundle import Bundle, BundleCard, sha256
from sdcam.models.weights import WeightsFile
from sdcam.platforms import macos

SIZE = (128, 64)
PROGRAMS = ("fused", "encode", "unet", "decode", "text_encoder")


@pytest.fixture
def make_bundle(tiny_model: ModelFolder, tmp_path: Path) -> Callable[..., Bundle]:
    """A bundle of the tiny model whose packages are hollow: what the card says is true of it."""

    def make(name: str = "bundle", programs: tuple[str, ...] = PROGRAMS, **card: Any) -> Bundle:
        folder = tmp_path / name
        for program in programs:
            (folder / f"{program}.mlpackage" / "Data").mkdir(parents=True)
            (folder / f"{program}.mlpackage" / "Data" / "model.mlmodel").write_text(program)
        weights = WeightsFile.open(tiny_model.unet_weights)
        names = [n for n in weights.tensors if n.startswith("time_embedding.")]
        time = {each: weights.read(each) for each in names}
        save_file(time, folder / "time_embedding.safetensors")
        shutil.copytree(tiny_model.tokenizer, folder / "tokenizer")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        written = BundleCard(
            **{
                "model": "tiny",
                "width": SIZE[0],
                "height": SIZE[1],
                "latent_channels": 4,
                "embed_channels": 8,
                "time_channels": 16,
                "layouts": ("fused", "staged"),
                "scheduler": tiny_model.scheduler,
                "flip_sin_to_cos": tiny_model.unet["flip_sin_to_cos"],
                "freq_shift": tiny_model.unet["freq_shift"],
                "files": {path.relative_to(folder).as_posix(): sha256(path) for path in files},
                **card,
            }
        )
        (folder / "bundle.json").write_text(written.to_json())
        return Bundle.open(folder)

    return make


@pytest.fixture
def bundle(make_bundle: Callable[..., Bundle]) -> Bundle:
    return make_bundle()


@pytest.fixture
def lenient_coreml(
    tiny_model: ModelFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FakeCoreML:
    """The Mac; nobody looks whether its rules are kept."""
    host = HostSide.of(tiny_model, SIZE, "fake")
    usual = host.schedule.single_level(0.5)
    tiny = ToyNetworks(host.spec, usual, host.embed_time.channels)
    fake = FakeCoreML(_host(host), lambda name, inputs: _predict(tiny, name, inputs))
    sw_vers = tmp_path / "sw_vers"
    sw_vers.write_text('#!/bin/sh\n[ "$1" = -buildVersion ] && echo 24B83 || echo 15.1\n')
    sw_vers.chmod(0o755)
    monkeypatch.setattr(macos, "SW_VERS", (str(sw_vers),))
    monkeypatch.setattr(system.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(system.metadata, "version", lambda name: "9.0")
    monkeypatch.setitem(sys.modules, "coremltools", fake.module())
    monkeypatch.setattr("platformdirs.user_cache_path", lambda app: tmp_path / "cache" / app)
    return fake


@pytest.fixture
def coreml(lenient_coreml: FakeCoreML, capfd: pytest.CaptureFixture[str]) -> Iterator[FakeCoreML]:
    """The Mac; a test that breaks one of its rules fails."""
    yield lenient_coreml
    gc.collect()
    lenient_coreml.check_lifetimes()
    assert lenient_coreml.violations == []
    assert capfd.readouterr().out == ""


def _host(host: HostSide) -> dict[str, dict[str, tuple[int, ...]]]:
    latent, time = host.spec.latent_shape, (1, host.embed_time.channels)
    prompt = host.prompt_embeds().shape
    step = dict.fromkeys(("feedback", "sqrt_alpha", "sqrt_one_minus_alpha"), (1,))
    return {
        "text_encoder": {"input_ids": (1, 77)},
        "encode": {"image": SIZE},
        "unet": {"sample": latent, "time_embedding": time, "prompt_embeds": prompt},
        "unet_1": {"sample": latent},
        "unet_2": {"hidden": latent, "time_embedding": time, "prompt_embeds": prompt},
        "decode": {"latent": latent},
        "fused": {
            "image": SIZE,
            "prompt_embeds": prompt,
            "noise": latent,
            "previous_latent": latent,
            "time_embedding": time,
            **step,
        },
    }


def _predict(tiny: ToyNetworks, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The UNet's two halves: the first one does nothing but hand on."""
    if not inputs:  # asked for shapes
        latent = np.zeros((1, 4, SIZE[1] // 8, SIZE[0] // 8), np.float32)
        prompt, picture = (
            np.zeros((1, 77, 8), np.float32),
            np.zeros((SIZE[1], SIZE[0], 3), np.uint8),
        )
        return {
            "text_encoder": {"prompt_embeds": prompt},
            "encode": {"latent": latent},
            "unet_1": {"hidden": latent},
            "decode": {"styled": picture},
            "fused": {"styled": picture, "latent": latent},
        }.get(name, {"noise": latent})
    if name == "unet_1":
        return {"hidden": inputs["sample"]}
    if name == "unet_2":
        inputs = {"sample": inputs.pop("hidden"), **inputs}
        return {"noise": tiny.unet(**inputs)}
    results = getattr(tiny, name)(**inputs)
    if name == "fused":
        return dict(zip(("styled", "latent"), results, strict=True))
    outputs = {"encode": "latent", "unet": "noise", "decode": "styled"}
    return {outputs.get(name, "prompt_embeds"): results}
