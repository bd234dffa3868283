"""Which line of a TOML text a key stands on, for messages. Parsing itself is tomlkit's."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADER = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[\w"'-]+)*)\s*=""")


def line_of(text: str, keys: Sequence[str]) -> int | None:
    """1-based line of the key, of the table that holds it where the key has no line of its own
    (inline tables), or None."""
    table: list[str] = []
    header_line: int | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _split(header[1])
            if table == list(keys[: len(table)]):
                header_line = number
            if table == list(keys):
                return number
        elif key := _KEY.match(line):
            full = table + _split(key[1])
            if full == list(keys[: len(full)]):
                return number
    return header_line


def _split(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]
