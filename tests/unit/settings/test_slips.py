"""The most usual slips are told in words that a user understands, with the line as it should be."""

from __future__ import annotations

import pytest
import tomlkit

from sdcam.settings import ConfigError, load
from sdcam.settings.slips import slip


@pytest.mark.parametrize(
    ("line", "expected", "mended"),
    [
        ("prompt = anime", "text stands in quotes", 'prompt = "anime"'),
        ("prompt = oil painting  # mine", "text stands in quotes", 'prompt = "oil painting"'),
        ("prompt = “anime”", "text stands in quotes", 'prompt = "anime"'),
        ("prompt = 3d render", "text stands in quotes", 'prompt = "3d render"'),
        ("prompt = 'it's me'", "in double quotes", 'prompt = "it\'s me"'),
        ('prompt = "anime', "not closed on its line", 'prompt = "anime"'),
        ('prompt = "anime";', "nothing stands behind a value", 'prompt = "anime"'),
        ('prompt: "anime"', '"=" stands behind a key, no colon', 'prompt = "anime"'),
        ("strength : 0,5", '"=" stands behind a key, no colon', "strength = 0.5"),
        ('prompt == "anime"', '"=" stands once', 'prompt = "anime"'),
        ("strength 0.5", '"=" and a value stand behind a key', "strength = 0.5"),
        ("mirror = True", "small letters", "mirror = true"),
        ("mirror = NO", "small letters", "mirror = false"),
        ("strength = 0,5", "a number is written like this", "strength = 0.5"),
        ("strength = -.5", "a number is written like this", "strength = -0.5"),
        ("seed = 007\r", "a number is written like this", "seed = 7"),
        ("width = 1280px", "a number is written like this", "width = 1280"),
        ("[look", 'a section ends with "]"', "[look]"),
        ("[look  # mine", 'a section ends with "]"', "[look]"),
        ('my style = "a"', "a name of several words stands in quotes", '"my style" = "a"'),
    ],
)
def test_a_slip_is_told_with_the_line_as_it_should_be(line, expected, mended):
    told = slip(line)
    assert expected in told
    assert told.endswith(f": {mended}")
    tomlkit.parse(mended)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mirror", "mirror = ..."),
        ("prompt =  # later", "prompt = ..."),
        ("// mine", "a comment begins with #"),
        (r'log_file = "C:\Users"', "a backslash in double quotes is written twice"),
    ],
)
def test_a_slip_without_a_remedy_says_what_was_expected(line, expected):
    assert expected in slip(line)


@pytest.mark.parametrize("line", ["", "[look]", "seed = 1", "x = [1,", "[[look", "]", "a = " * 99])
def test_nothing_is_made_up_where_there_is_no_telling(line):
    assert slip(line) is None


def test_the_message_has_file_line_and_key(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text("# mine\n[look]\nseed = 1\nprompt = anime\n")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(caught.value) == (
        f'{file}, line 4: not valid TOML: text stands in quotes: prompt = "anime". Mend that line.'
    )
