"""Which line of a TOML text a key stands on, for messages. Parsing itself is tomlkit's."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*')"""
_DOTTED = rf"{_WORD}(?:\s*\.\s*{_WORD})*"
_HEADER = re.compile(rf"^\s*\[\[?\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"^\s*({_DOTTED})\s*=")
# What may hold quotes, or lines that look like keys, and is neither.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|' + r"'''.*?'''|" + r'"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*'|#[^\n]*",
    re.DOTALL,
)


def line_of(text: str, keys: Sequence[str]) -> int | None:
    """1-based line of the key, of the table that holds it where the key has no line of its own
    (inline tables), or None."""
    table: list[str] = []
    header_line: int | None = None
    for number, line in enumerate(_TOKEN.sub(_flat, text).split("\n"), start=1):
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


def _flat(token: re.Match[str]) -> str:
    """A string over several lines as an empty one; its lines still count."""
    if token[0].startswith(('"""', "'''")):
        return '""' + "\n" * token[0].count("\n")
    return token[0]


def _split(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in re.findall(_WORD, dotted)]
