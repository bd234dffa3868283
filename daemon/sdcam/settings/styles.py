"""The names of styles: which of them are one, whatever their case and what joins their words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping


def named(styles: Mapping[str, str], wanted: str) -> str | None:
    """The style that goes by this name: "Pop-Art" finds "pop art"."""
    key = _key(wanted)
    return next((name for name in styles if _key(name) == key), None)


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
