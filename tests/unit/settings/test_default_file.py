"""config/config.toml documents every key with the default of the models."""

from __future__ import annotations

import json
import re

import tomlkit

from sdcam import resources
from sdcam.engines.coreml.layouts import DEFAULT_UNITS, UNITS
from sdcam.settings import load
from sdcam.settings.default_file import (
    SCHEMA_NAME,
    create,
    default_text,
    json_schema,
    meaning,
    schema_text,
)
from sdcam.settings.keys import choices_of, effect_of
from sdcam.settings.schema import CoreMLSettings, Settings, sections

PATH = resources.config("config.toml")
KEYS = [(name, model, key) for name, model in sections().items() for key in model.model_fields]


def test_default_file_and_schema_match_the_models():
    remedy = "sdcam config init --force --config config/config.toml"
    assert PATH.read_text(encoding="utf-8") == default_text(), remedy
    assert PATH.with_name(SCHEMA_NAME).read_text(encoding="utf-8") == schema_text(), remedy


def test_default_file_loads_and_changes_nothing():
    assert load(PATH) == load()


def test_default_file_has_every_key_and_no_other():
    documented = tomlkit.parse(PATH.read_text(encoding="utf-8")).unwrap()
    assert documented.pop("styles") == {}
    assert documented == {
        name: getattr(Settings(), name).model_dump(mode="json") for name in sections()
    }


def test_every_key_has_title_description_effect_and_comment():
    lines = PATH.read_text(encoding="utf-8").splitlines()
    for section, model, key in KEYS:
        field = model.model_fields[key]
        assert field.title, f"{section}.{key}"
        assert field.description, f"{section}.{key}"
        assert effect_of(field)
        first_words = " ".join(meaning(model, key).split()[:2])
        assert any(line.startswith(f"{key} = ") and f"# {first_words}" in line for line in lines)


def test_every_number_has_bounds():
    for section, model, key in KEYS:
        field = model.model_fields[key]
        if field.annotation in (int, float):
            assert len(field.metadata) >= 2, f"{section}.{key}"


def test_units_are_in_file_and_schema():
    assert "(0 to 60 seconds)" in default_text()
    assert "(64 to 3840 pixels)" in default_text()
    assert json_schema()["properties"]["output"]["properties"]["hold_seconds"]["unit"] == "seconds"


def test_default_file_wraps_at_100_columns():
    assert max(map(len, default_text().splitlines())) <= 100


def test_schema_has_no_references_and_forbids_unknown_keys():
    schema = json_schema()
    assert "$ref" not in json.dumps(schema)
    assert set(schema["properties"]) == set(Settings.model_fields)
    for name in sections():
        assert schema["properties"][name]["additionalProperties"] is False
    assert schema["properties"]["output"]["properties"]["fit"]["enum"] == ["crop", "pad", "blur"]


def test_schema_rejects_engine_typo_and_blank_prompt():
    properties = json_schema()["properties"]
    engine = properties["model"]["properties"]["engine"]["pattern"]
    assert re.search(engine, "openvino:bf16")
    assert not re.search(engine, "openvno")
    for prompt in (
        properties["look"]["properties"]["prompt"],
        properties["styles"]["additionalProperties"],
    ):
        assert re.search(prompt["pattern"], "oil")
        assert not re.search(prompt["pattern"], "  ")


def test_schema_is_written_beside_the_file(tmp_path):
    path = tmp_path / "new" / "config.toml"
    create(path)
    first = path.read_text(encoding="utf-8").splitlines()[0]
    name = first.removeprefix("#:schema ./")
    assert json.loads((path.parent / name).read_text(encoding="utf-8")) == json_schema()


def test_compute_units_match_the_engine():
    assert list(CoreMLSettings.model_fields) == list(DEFAULT_UNITS)
    for field in CoreMLSettings.model_fields.values():
        assert set(choices_of(field)) == {"auto", *UNITS}
    assert CoreMLSettings().chosen == {}
    assert CoreMLSettings(unet="all").chosen == {"unet": "all"}
