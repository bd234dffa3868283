"""The table in docs/verification.md: what was seen, on which day and machine."""

from __future__ import annotations

import re
from collections.abc import Mapping

NOT_YET = "not yet seen"
_ROW = re.compile(r"^\| `(?P<id>[a-z0-9-]+)` \|(?P<middle>.*)\| (?P<seen>[^|]*) \|$")


def rows_in(text: str) -> dict[str, str]:
    """Row id to last column."""
    found = (_ROW.match(line) for line in text.splitlines())
    return {row["id"]: row["seen"].strip() for row in found if row}


def fill(text: str, seen: Mapping[str, str]) -> str:
    """The same text with the last column of these rows replaced.

    Raises:
        KeyError: a row that the table does not have.
    """
    if unknown := sorted(set(seen) - set(rows_in(text))):
        raise KeyError(f"no such row in the table: {', '.join(unknown)}")

    def filled(line: str) -> str:
        row = _ROW.match(line.rstrip("\n"))
        if row is None or row["id"] not in seen:
            return line
        what = seen[row["id"]].replace("|", "/")
        return f"| `{row['id']}` |{row['middle']}| {what} |\n"

    return "".join(filled(line) for line in text.splitlines(keepends=True))
