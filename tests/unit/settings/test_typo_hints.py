"""The usual typing mistakes in TOML are answered with the line as it should be."""

from __future__ import annotations

import pytest
import tomlkit

from sdcam.settings import ConfigError, load
from sdcam.settings.toml_file import typo_hint


@pytest.mark.parametrize(
    ("line", "expected", "fixed"),
    [
        ("prompt = anime", "text needs quotes", 'prompt = "anime"'),
        ("prompt = oil painting  # mine", "text needs quotes", 'prompt = "oil painting"'),
        ("prompt = “anime”", "text needs quotes", 'prompt = "anime"'),
        ("prompt = 3d render", "text needs quotes", 'prompt = "3d render"'),
        ("prompt = 'it's me'", "needs double quotes", 'prompt = "it\'s me"'),
        ('prompt = "anime', "a string ends on its line", 'prompt = "anime"'),
        ('prompt = "anime";', "nothing may follow a value", 'prompt = "anime"'),
        ('prompt: "anime"', 'followed by "=", not by a colon', 'prompt = "anime"'),
        ("strength : 0,5", 'followed by "=", not by a colon', "strength = 0.5"),
        ('prompt == "anime"', 'followed by a single "="', 'prompt = "anime"'),
        ("strength 0.5", 'followed by "=" and a value', "strength = 0.5"),
        ("mirror = True", "small letters", "mirror = true"),
        ("mirror = NO", "small letters", "mirror = false"),
        ("strength = 0,5", "a number is written like this", "strength = 0.5"),
        ("strength = -.5", "a number is written like this", "strength = -0.5"),
        ("seed = 007\r", "a number is written like this", "seed = 7"),
        ("width = 1280px", "a number is written like this", "width = 1280"),
        ("[look", 'a section ends with "]"', "[look]"),
        ("[look  # mine", 'a section ends with "]"', "[look]"),
        ('my style = "a"', "a name of several words needs quotes", '"my style" = "a"'),
    ],
)
def test_hint_shows_the_line_as_it_should_be(line, expected, fixed):
    hint = typo_hint(line)
    assert expected in hint
    assert hint.endswith(f": {fixed}")
    tomlkit.parse(fixed)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mirror", "mirror = ..."),
        ("prompt =  # later", "prompt = ..."),
        ("// mine", "a comment begins with #"),
        (r'log_file = "C:\Users"', "in double quotes a backslash is written twice"),
    ],
)
def test_hint_without_a_value_says_what_was_expected(line, expected):
    assert expected in typo_hint(line)


@pytest.mark.parametrize("line", ["", "[look]", "seed = 1", "x = [1,", "[[look", "]", "a = " * 99])
def test_no_hint_where_there_is_no_telling(line):
    assert typo_hint(line) is None


def test_message_has_file_line_and_hint(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text("# mine\n[look]\nseed = 1\nprompt = anime\n")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(caught.value) == (
        f'{file}, line 4: not valid TOML: text needs quotes: prompt = "anime". Fix this line.'
    )
