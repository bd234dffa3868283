"""config/config.toml documents every key, with the default that the models have."""

from __future__ import annotations

import tomlkit

from sdcam import resources
from sdcam.settings import load
from sdcam.settings.schema import Settings

PATH = resources.config("config.toml")


def test_it_loads_and_changes_nothing():
    assert load(PATH) == load()


def test_it_names_every_key_and_no_other():
    documented = tomlkit.parse(PATH.read_text(encoding="utf-8")).unwrap()
    in_models = {
        section: {} if section == "styles" else getattr(load(), section).model_dump(mode="json")
        for section in Settings.model_fields
    }
    assert documented == in_models


def test_every_key_is_explained():
    for line in PATH.read_text(encoding="utf-8").splitlines():
        if "=" in line.partition("#")[0] and not line.startswith(("width", "height")):
            assert "#" in line, line


def test_every_field_has_title_and_description():
    for section in Settings.model_fields:
        if section == "styles":
            continue
        for name, info in type(getattr(load(), section)).model_fields.items():
            assert info.title, f"{section}.{name}"
            assert info.description, f"{section}.{name}"
