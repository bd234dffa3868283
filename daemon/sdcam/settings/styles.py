"""The styles: the gallery that comes with the program, and names, whose spelling may vary in case
and in what joins their words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

import tomlkit

from sdcam import resources


@cache
def shipped_styles() -> Mapping[str, str]:
    """Name to prompt; the user's own styles add to it."""
    text = resources.config("styles.toml").read_text(encoding="utf-8")
    styles: Mapping[str, str] = tomlkit.parse(text).unwrap()["styles"]
    return styles


def named(styles: Mapping[str, str], name: str) -> str | None:
    """The style of this name: "Pop-Art" finds "pop art"."""
    key = _key(name)
    return next((style for style in styles if _key(style) == key), None)


def neighbour(styles: Mapping[str, str], prompt: str, step: int) -> str:
    """The name of the style that is `step` further in the gallery than a prompt, which may be the
    name or the text of a style. Any other prompt counts as being before the first style."""
    names = list(styles)
    now = named(styles, prompt) or next((n for n, text in styles.items() if text == prompt), None)
    return names[(min(step, 0) if now is None else names.index(now) + step) % len(names)]


def one_of_each(styles: Mapping[str, str]) -> dict[str, str]:
    """Of styles of one name, the last in the place of the first: the user's "Pop-Art" replaces the
    "pop art" that comes with the program."""
    last = {_key(name): (name, text) for name, text in styles.items()}
    return dict(last.values())


def alike(names: Iterable[str]) -> dict[str, str]:
    """The names that are an earlier one in another spelling, each with the earlier one."""
    first: dict[str, str] = {}
    return {name: first[_key(name)] for name in names if first.setdefault(_key(name), name) != name}


def _key(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.strip().lower())
