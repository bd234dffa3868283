"""Styles are found by name in any spelling, and `next` and `prev` reach every one."""

from __future__ import annotations

import pytest

from sdcam.settings import ConfigError, load
from sdcam.settings.styles import alike, named, neighbour, one_of_each


def test_name_is_found_in_any_spelling():
    assert named({"oil": "a", "pop art": "b"}, " Pop-Art") == "pop art"
    assert named({"oil": "a"}, "water") is None


def test_next_and_prev_reach_every_style():
    styles = {"oil": "a", "my style": "b", "twin": "b", "last": "c"}
    reached, prompt = [], "My-Style"
    for _ in range(4):
        prompt = neighbour(styles, prompt, 1)
        reached.append(prompt)
    assert reached == ["twin", "last", "oil", "my style"]
    assert neighbour(styles, "twin", -1) == "my style"
    assert neighbour(styles, "c", -1) == "twin"  # a style's text
    assert (neighbour(styles, "free", 1), neighbour(styles, "free", -1)) == ("oil", "last")


def test_user_style_replaces_the_shipped_one_of_its_name(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text('[styles]\n"Pop_Art" = "mine"\n')
    settings = load(file)
    assert settings.prompt_text("pop art") == "mine"
    assert "pop art" not in settings.styles
    assert len(settings.styles) == 10
    assert one_of_each({"a b": "1", "c": "2", "A-B": "3"}) == {"A-B": "3", "c": "2"}


def test_two_styles_of_one_name_are_a_mistake(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text('[styles]\n"my style" = "a"\nother = "b"\nmy-style = "c"\n')
    with pytest.raises(ConfigError, match=r'"my-style" has the same name as "my style"') as caught:
        load(file)
    (mistake,) = caught.value.issues
    assert (mistake.key, mistake.origin.line) == ("styles.my-style", 4)
    assert alike(["a", "b", "A", "a "]) == {"A": "a", "a ": "a"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[look]\nprompt = ""\n', "look.prompt"),
        ('[look]\nprompt = " \\t"\n', "look.prompt"),
        ('[styles]\nmine = "  "\n', "styles.mine"),
        ('[styles]\n" " = "mine"\n', "styles. "),
    ],
)
def test_blank_prompt_is_refused(tmp_path, text, key):
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"text is expected; look.blend = 1 shows") as caught:
        load(file)
    assert [(m.key, m.origin.line) for m in caught.value.issues] == [(key, 2)]
