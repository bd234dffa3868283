"""The service finds a model's bundle: by name or path, of a size, the least changed one."""

from __future__ import annotations

import os
import shutil

import pytest

from sdcam import resources
from sdcam.errors import MissingError
from sdcam.models import bundles
from sdcam.models.bundle import BundleCard
from sdcam.models.bundles import find_bundle
from sdcam.models.registry import models_folder


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch, tmp_path, tiny_copy):
    monkeypatch.setattr("sdcam.models.registry.user_data_path", lambda app: tmp_path / "data" / app)
    for module in (resources, bundles):
        monkeypatch.setattr(module, "embedded_model", lambda: tiny_copy)


def put(name, model="sdxs-512", age=0, **card):
    """A bundle beside no checkpoint at all."""
    folder = models_folder() / model / "coreml" / name
    folder.mkdir(parents=True)
    whole = BundleCard(
        **{
            "model": model,
            "width": 512,
            "height": 512,
            "latent_channels": 4,
            "embed_channels": 8,
            "time_channels": 16,
            "layouts": ("fused", "staged"),
            "scheduler": {},
            "files": {},
            **card,
        }
    )
    path = folder / "bundle.json"
    path.write_text(whole.to_json())
    os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    return folder


def test_a_bundle_alone_is_enough():
    folder = put("512x512")
    assert find_bundle("sdxs-512", None).path == folder
    assert find_bundle("sdxs-512", (512, 512)).path == folder
    assert find_bundle("IDKiro/sdxs-512-0.9", None).path == folder
    assert find_bundle("auto", None).path == folder
    assert find_bundle(str(folder), None).path == folder
    assert find_bundle(str(folder.parent.parent), None).path == folder


def test_bundles_of_the_embedded_model_lie_with_the_users_data(tiny_copy):
    folder = put("512x512", "pocket")
    for name in ("pocket", "auto"):
        assert find_bundle(name, None).path == folder


def test_the_path_of_the_embedded_model_is_its_name(tiny_copy):
    folder = put("512x512", tiny_copy.name)
    assert find_bundle(str(tiny_copy), None).path == folder


def test_without_a_size_it_is_the_usual_one():
    usual = put("512x512", age=100)
    put("640x384", width=640, height=384)
    assert find_bundle("sdxs-512", None).path == usual


def test_without_the_usual_size_it_is_the_newest():
    put("320x320", width=320, height=320, age=100)
    newest = put("640x384", width=640, height=384)
    put("768x448", width=768, height=448, age=50)
    assert find_bundle("sdxs-512", None).path == newest


@pytest.mark.parametrize(
    "other",
    [
        {"compression": "palette-6"},
        {"precision": "fp32"},
        {"attention": "split-einsum"},
        {"layouts": ("fused",)},
        {"unet_chunks": 2},
    ],
)
def test_what_was_changed_least_is_preferred(other):
    put("a", **other)
    plain = put("b")
    put("c", **other)
    assert find_bundle("sdxs-512", (512, 512)).path == plain
    shutil.rmtree(plain)
    assert find_bundle("sdxs-512", (512, 512)).path.name == "a"


def test_a_layout_can_be_asked_for():
    put("a", layouts=("fused",))
    staged = put("b", layouts=("staged",), compression="int8")
    assert find_bundle("sdxs-512", None, "staged").path == staged
    shutil.rmtree(staged)
    with pytest.raises(MissingError, match=r"in the layout staged\. Run: .*--layout all"):
        find_bundle("sdxs-512", None, "staged")


def test_stateful_bundles_are_not_for_the_service():
    folder = put("stateful", layouts=("fused",), stateful=True)
    with pytest.raises(MissingError, match="is not converted"):
        find_bundle("sdxs-512", None)
    with pytest.raises(MissingError, match=r"keeps the previous latent itself"):
        find_bundle(str(folder), None)


def test_another_size_is_refused_with_the_command():
    folder = put("512x512")
    command = r"Run: sdcam models convert sdxs-512 --to coreml --layout all --size 640x384$"
    with pytest.raises(MissingError, match=rf"not converted for Core ML at 640x384\. {command}"):
        find_bundle("sdxs-512", (640, 384))
    with pytest.raises(MissingError, match=rf"made for 512x512 pixels.* at 640x384\. {command}"):
        find_bundle(str(folder), (640, 384))


def test_a_model_that_was_never_converted_gets_the_command(tiny_copy):
    shutil.copytree(tiny_copy, models_folder() / "sd-turbo")
    with pytest.raises(MissingError, match=r"Run: sdcam models convert sd-turbo --to coreml.*512"):
        find_bundle("sd-turbo", None)


def test_a_model_that_is_not_here_is_to_be_pulled_first():
    with pytest.raises(MissingError, match="sdcam models pull sd-turbo"):
        find_bundle("sd-turbo", None)


def test_a_damaged_bundle_is_told_of_where_there_is_no_other():
    damaged = put("a")
    (damaged / "bundle.json").write_text("{}")
    with pytest.raises(MissingError, match="damaged or from another version"):
        find_bundle("sdxs-512", None)
    whole = put("b")
    assert find_bundle("sdxs-512", None).path == whole
