from __future__ import annotations

import pytest

from sdcam.errors import UsageError
from sdcam.settings import Fit, load
from sdcam.settings.toml_lines import line_of


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.delenv("SDCAM_CONFIG", raising=False)

    def write(text):
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_defaults_need_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("SDCAM_CONFIG", raising=False)
    settings = load()
    assert settings.look.strength == 0.5
    assert settings.model.size is None
    assert len(settings.styles) == 10


def test_command_line_over_environment_over_file_over_defaults(write, monkeypatch):
    path = write('[look]\nprompt = "file"\nstrength = 0.1\nblend = 0.2\n')
    monkeypatch.setenv("SDCAM_LOOK__PROMPT", "environment")
    monkeypatch.setenv("SDCAM_LOOK__STRENGTH", "0.3")
    look = load(path, {"look": {"prompt": "command line"}}).look
    assert (look.prompt, look.strength, look.blend, look.seed) == ("command line", 0.3, 0.2, 42)


def test_the_users_styles_add_to_the_gallery_and_win(write):
    settings = load(write('[styles]\nmine = "my own"\noil = "my oil"\n'))
    assert settings.styles["mine"] == "my own"
    assert settings.prompt_text("oil") == "my oil"
    assert settings.prompt_text("Pop-Art") == settings.styles["pop art"]
    assert settings.prompt_text("a red balloon") == "a red balloon"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[look]\nstrength = 0.5\nstrenght = 2\n", r'line 3: unknown key "look.strenght"; did you'),
        ("[look]\n\nstrength = 2\n", r"line 3: look.strength = 2: .*less than or equal to 1"),
        ('[look]\nprompt = "a\n', r"line 2: not valid TOML: a string is not closed"),
        ("[lok]\na = 1\n", r'line 1: unknown key "lok"; did you mean "look"'),
        ("[model]\nrender_size = 500\n", r"line 2: .*500 is not a multiple of 64"),
        ('[output]\nfit = "stretch"\n', r"line 2: output.fit = 'stretch'.*crop.*pad.*blur"),
        ('look = "oil"\n', r"line 1: look = 'oil'"),
    ],
)
def test_a_mistake_names_file_line_key_and_what_was_expected(write, text, sentence):
    path = write(text)
    with pytest.raises(UsageError, match=sentence) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_a_mistake_elsewhere_names_its_place(write, monkeypatch):
    path = write("")
    with pytest.raises(UsageError, match=r"^Command line: look.strength = 7"):
        load(path, {"look": {"strength": 7}})
    monkeypatch.setenv("SDCAM_LOOK__STRENGTH", "lots")
    with pytest.raises(UsageError, match=r"SDCAM_LOOK__STRENGTH: look.strength = 'lots'"):
        load(path)


def test_a_named_file_must_exist(tmp_path):
    with pytest.raises(UsageError, match=r"does not exist"):
        load(tmp_path / "nowhere.toml")


def test_wide_render_sizes(write):
    settings = load(write('[model]\nrender_size = "768x448"\n[output]\nfit = "blur"\n'))
    assert settings.model.size == (768, 448)
    assert settings.output.fit is Fit.BLUR


def test_lines_of_dotted_and_quoted_keys():
    text = 'look.seed = 1\n[styles]\n"pop art" = "a"\n[a.b]\nc = 1\n'
    assert line_of(text, ["look", "seed"]) == 1
    assert line_of(text, ["styles", "pop art"]) == 3
    assert line_of(text, ["a", "b", "c"]) == 5
    assert line_of(text, ["styles"]) == 2
    assert line_of(text, ["nowhere"]) is None
