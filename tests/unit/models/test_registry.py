"""A model is found by name: the embedded one, the user's own, or a path."""

from __future__ import annotations

import shutil

import pytest
from platformdirs import user_data_path

from sdcam import resources
from sdcam.errors import MissingError
from sdcam.models.registry import (
    bundles_folder,
    bundles_of,
    find_model,
    installed_models,
    models_folder,
)


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch, tmp_path, tiny_copy):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("sdcam.models.registry.user_data_path", lambda app: tmp_path / "data" / app)
    monkeypatch.setattr(resources, "embedded_model", lambda: tiny_copy)


def put(tiny_copy, name):
    return shutil.copytree(tiny_copy, models_folder() / name)


def test_own_models_lie_in_the_data_folder_of_the_app():
    assert user_data_path("streamdiffusion-cam").name == "streamdiffusion-cam"
    assert models_folder().parts[-2:] == ("streamdiffusion-cam", "models")


def test_auto_is_the_embedded_model_until_there_is_a_better_one(tiny_copy):
    assert find_model("auto").path == tiny_copy
    better = put(tiny_copy, "sdxs-512")
    assert find_model("auto").path == better


def test_pocket_is_the_embedded_model(tiny_copy):
    put(tiny_copy, "sdxs-512")
    assert find_model("pocket").path == tiny_copy


def test_an_own_model_is_found_by_the_name_of_its_folder(tiny_copy):
    assert find_model("auto").path == tiny_copy
    path = put(tiny_copy, "tiny-sd")
    assert find_model("tiny-sd").path == path
    assert installed_models() == ("pocket", "tiny-sd")


def test_a_path_is_taken_as_it_is(tiny_copy):
    assert find_model(str(tiny_copy)).path == tiny_copy


def test_a_folder_below_here_needs_no_slash(tiny_copy, monkeypatch):
    monkeypatch.chdir(tiny_copy.parent)
    path = find_model("./tiny").path
    assert path == tiny_copy and path.is_absolute(), "what is recorded of it is true elsewhere too"


def test_an_unknown_name_gets_the_list_of_what_is_here(tiny_copy):
    put(tiny_copy, "tiny-sd")
    with pytest.raises(MissingError) as caught:
        find_model("sdxl")
    assert '"sdxl"' in caught.value.what
    assert "pocket, tiny-sd" in caught.value.todo
    assert str(models_folder()) in caught.value.todo


def test_a_known_model_that_is_not_here_tells_how_to_get_it():
    for name in ("sd-turbo", "stabilityai/sd-turbo"):
        with pytest.raises(MissingError, match="sdcam models pull sd-turbo"):
            find_model(name)
    with pytest.raises(MissingError, match="sdcam models pull some/one"):
        find_model("some/one")


def test_a_path_that_looks_like_a_hub_id_is_told_as_both():
    with pytest.raises(MissingError, match=r"no folder some/one, and the model") as caught:
        find_model("some/one")
    assert "Correct the path, or download" in caught.value.todo


def test_a_folder_below_here_without_its_slash_is_recognised(tiny_copy, monkeypatch):
    monkeypatch.chdir(tiny_copy.parent)
    with pytest.raises(MissingError, match=r"called \./tiny"):
        find_model("tiny")


def test_unfinished_and_converted_things_are_no_models(tiny_copy):
    (models_folder() / ".sd-turbo.0123.part").mkdir(parents=True)
    (models_folder() / "pocket" / "coreml").mkdir(parents=True)
    assert installed_models() == ("pocket",)


def test_bundles_lie_with_their_model_and_those_of_the_embedded_one_with_the_users_data(tiny_copy):
    own = find_model(str(put(tiny_copy, "tiny-sd")))
    bundle = own.path / "coreml" / "512x512"
    bundle.mkdir(parents=True)
    assert bundles_of(own) == ()
    (bundle / "bundle.json").write_text("{}")
    assert bundles_of(own) == (bundle,)
    assert bundles_folder(find_model("pocket")) == models_folder() / "pocket" / "coreml"
