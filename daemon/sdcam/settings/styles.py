"""The names of styles: which of them are one, whatever their case and what joins their words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping


def named(styles: Mapping[str, str], wanted: str) -> str | None:
    """The style that goes by this name: "Pop-Art" finds "pop art"."""
    key = _key(wanted)
    return next((name for name in styles if _key(name) == key), None)


def neighbour(styles: Mapping[str, str], prompt: str, step: int) -> str:
    """The name of the style that is `step` further in the gallery than the prompt, a name or a
    text. A prompt that is none of them stands before the first."""
    names = list(styles)
    now = named(styles, prompt) or next((n for n, text in styles.items() if text == prompt), None)
    return names[(min(step, 0) if now is None else names.index(now) + step) % len(names)]


def one_of_each(styles: Mapping[str, str]) -> dict[str, str]:
    """Of names that are alike the last, in the place of the first: what the user calls "Pop-Art"
    stands for the "pop art" that comes with the program."""
    last = {_key(name): (name, text) for name, text in styles.items()}
    return dict(last.values())


def alike(names: Iterable[str]) -> dict[str, str]:
    """Names that an earlier one is like, each with that one."""
    first: dict[str, str] = {}
    return {name: first[_key(name)] for name in names if first.setdefault(_key(name), name) != name}


def _key(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.strip().lower())
