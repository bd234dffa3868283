"""The environment holds settings, or mistakes that name their variable."""

from __future__ import annotations

import pytest

from sdcam.settings import ConfigError, load
from sdcam.settings.sources import NO_SETTINGS


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SDCAM_LOOK_STRENGTH", "0.3", "no setting .*; did you mean SDCAM_LOOK__STRENGTH?"),
        ("SDCAM_LOK__STRENGTH", "0.3", "no setting .*; did you mean SDCAM_LOOK__STRENGTH?"),
        ("SDCAM_LOOKK", "3", "no setting has this name"),
        ("SDCAM_CONFG", "x", "did you mean SDCAM_CONFIG?"),
        ("SDCAM_LOOK__STRENGTH__X", "3", "did you mean SDCAM_LOOK__STRENGTH?"),
        ("SDCAM_LOOK__STRENGHT", "3", 'unknown key "look.strenght"; did you mean "strength"?'),
        ("SDCAM_LOOK", "{bad", "'{bad' is not a JSON object; .* SDCAM_LOOK__KEY"),
        ("SDCAM_LOOK", "", "'' is not a JSON object"),
        ("SDCAM_STYLES", "[1]", "not a JSON object"),
        ("SDCAM_COREML__UNET", "\udc80", "is not UTF-8 text"),
    ],
)
def test_mistake_names_its_variable(monkeypatch, name, value, sentence):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"^Environment variable {name}: .*{sentence}") as caught:
        load()
    assert len(caught.value.issues) == 1


def test_mistakes_of_all_sources_are_reported(monkeypatch, tmp_path):
    file = tmp_path / "config.toml"
    file.write_text("[look]\nseed = -1\n")
    monkeypatch.setenv("SDCAM_LOOKK", "3")
    monkeypatch.setenv("SDCAM_MODEL", "{")
    with pytest.raises(ConfigError) as caught:
        load(file, {"look": {"strength": 7}, "_env_file": "x"})
    assert [str(issue.origin) for issue in caught.value.issues] == [
        f"{file}:2",
        "SDCAM_LOOKK",
        "SDCAM_MODEL",
        "command line",
        "command line",
    ]


def test_known_variables_that_are_no_settings_pass(monkeypatch):
    for name in NO_SETTINGS - {"SDCAM_CONFIG"}:
        monkeypatch.setenv(name, "anything")
    monkeypatch.setenv("sdcam_look__seed", "7")
    monkeypatch.setenv("SDCAM_OUTPUT__MIRROR", "yes")  # text, so any word for it will do
    monkeypatch.setenv("SDCAM_STYLES", '{"mine": "a linocut"}')
    settings = load()
    assert (settings.look.seed, settings.output.mirror) == (7, True)
    assert settings.styles["mine"] == "a linocut"
