"""Writes values into the user's file. Comments and order stay, and the write is atomic."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Item

from sdcam.atomic_file import atomic_write
from sdcam.errors import SdcamError
from sdcam.settings.default_file import default_text, write_schema
from sdcam.settings.issues import ConfigError
from sdcam.settings.sources import ConfigSources, merge, tree_of, typed_values
from sdcam.settings.toml_file import line_of, parse_toml, read


def save(path: Path, values: Mapping[str, object]) -> None:
    """Puts `{"look.strength": 0.7}` into the file. If there is none, it is made from the documented
    default.

    Raises:
        ConfigError: the file is broken, or would be with these values.
        SdcamError: it cannot be written.
    """
    write(path, with_values(path, values))


def write(path: Path, text: str) -> None:
    """Writes what `with_values` returned, unless the file has that text already: a running service
    would take the write for an edit."""
    if not path.exists():
        write_schema(path.parent)
    elif read(path) == text:
        return
    atomic_write(path, text.encode())


def with_values(path: Path, values: Mapping[str, object]) -> str:
    """The text that `save` writes.

    Raises:
        as `save`, as far as it can be known before writing.
    """
    try:
        text = read(path)
        before = parse_toml(text, path)
    except FileNotFoundError:
        text = default_text()
        before = parse_toml(text, path)
    except ConfigError as error:
        raise ConfigError(error.issues, "Nothing is saved until this is fixed.") from None
    # A file that its owner made read-only is meant to stay as it is, though it could be replaced.
    if path.exists() and not (os.access(path, os.W_OK) and path.stat().st_mode & 0o222):
        raise SdcamError(f"{path} is read-only: nothing is saved.", "`chmod u+w` allows it.")
    values = typed_values(values)
    _check(ConfigSources(path, "", tree_of(values), environment={}))
    try:
        edited = text
        for dotted, value in values.items():
            edited = _with_value(edited, *dotted.partition(".")[::2], tomlkit.item(value))
        intact = tomlkit.parse(edited).unwrap() == merge(before, tree_of(values))
    except Exception:  # tomlkit fails to edit some documents that it can read
        intact = False
    if intact:
        _check(ConfigSources(path, edited, environment={}))
        return edited
    _check(ConfigSources(path, text, environment={}))
    raise SdcamError(
        f"{path} is written in a way that cannot be changed without breaking it.",
        "Change it by hand: `sdcam config edit`.",
    )


def _check(sources: ConfigSources) -> None:
    try:
        sources.settings()
    except ConfigError as error:
        raise ConfigError(error.issues, "Nothing is saved.") from None


def _with_value(text: str, section: str, key: str, item: Item) -> str:
    document = tomlkit.parse(text)
    table = document.get(section)
    line_end = "\r\n" if "\r\n" in text else "\n"
    if table is None:
        end = "" if not text or text.endswith("\n") else line_end
        gap = "" if not text.strip() or text.endswith(line_end * 2) else line_end
        return f"{text}{end}{gap}[{section}]{line_end}{_assigned(key, item)}{line_end}"
    if key not in table:
        lines = text.split("\n")
        header = line_of(text, [section]) or 0
        if lines[header - 1].lstrip().startswith("["):
            # Below the header: at the table's end the comment of the next table may stand.
            lines.insert(header, _assigned(key, item) + line_end.rstrip("\n"))
            return "\n".join(lines)
        table[key] = item
        return document.as_string()
    old = _item(table, key)
    width = len(old.as_string()) + len(old.trivia.comment_ws)
    table[key] = item
    if old.trivia.comment:  # the comment stays in its column
        _item(table, key).trivia.comment_ws = " " * max(1, width - len(item.as_string()))
    return document.as_string()


def _item(table: Any, key: str) -> Any:
    """The item with its comment; `[]` of an ordinary table gives the plain value."""
    return table.item(key) if hasattr(table, "item") else table[key]


def _assigned(key: str, item: Item) -> str:
    return f"{tomlkit.key(key).as_string()} = {item.as_string()}"
