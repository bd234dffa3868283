"""Writes values back into the user's file: comments stay, and the file is whole at every moment."""

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
from sdcam.settings.file import parse_toml, read
from sdcam.settings.load import parse
from sdcam.settings.mistakes import ConfigError
from sdcam.settings.toml_lines import line_of


def save(path: Path, values: Mapping[str, object]) -> None:
    """Puts `{"look.strength": 0.7}` into the file; makes it from the documented default if there is
    none.

    Raises:
        ConfigError: the file is broken, or would be with these values.
        SdcamError: it cannot be written.
    """
    write(path, with_values(path, values))


def write(path: Path, text: str) -> None:
    """What `with_values` made of the file. A text that is there already is not written again: for
    a running service that would be an edit."""
    if not path.exists():
        write_schema(path.parent)
    elif read(path) == text:
        return
    atomic_write(path, text.encode())


def with_values(path: Path, values: Mapping[str, object]) -> str:
    """The text that `save` writes; nothing is written yet.

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
        raise ConfigError(error.mistakes, "Nothing is saved before that is mended.") from None
    _must_be_writable(path)
    edited = text
    for dotted, value in values.items():
        edited = _with_value(edited, dotted, value)
    if parse_toml(edited, path) != _merged(before, values):
        raise SdcamError(
            f"{path} is written in a way that cannot be changed without breaking it.",
            "Change it by hand: `sdcam config edit`.",
        )
    try:
        parse(edited, path, {})
    except ConfigError as error:
        raise ConfigError(error.mistakes, "Nothing is saved.") from None
    return edited


def _must_be_writable(path: Path) -> None:
    """A file that its owner made read-only is meant to stay, though it could be replaced."""
    if path.exists() and not (os.access(path, os.W_OK) and path.stat().st_mode & 0o222):
        raise SdcamError(f"{path} is read-only: nothing is saved.", "`chmod u+w` allows it.")


def _with_value(text: str, dotted: str, value: object) -> str:
    section, _, key = dotted.partition(".")
    document = tomlkit.parse(text)
    item = tomlkit.item(value)
    table = document.get(section)
    if table is None:
        line_end = "\r\n" if "\r\n" in text else "\n"
        gap = "" if not text.strip() or text.endswith(line_end * 2) else line_end
        end = "" if not text or text.endswith("\n") else line_end
        return f"{text}{end}{gap}[{section}]{line_end}{_assigned(key, item)}{line_end}"
    if key not in table:
        lines = text.split("\n")
        number = line_of(text, [section]) or 0
        if lines[number - 1].lstrip().startswith("["):
            # Not at the table's end, where the comment of the next one stands.
            end = "\r" if lines[number - 1].endswith("\r") else ""
            lines.insert(number, _assigned(key, item) + end)
            return "\n".join(lines)
        table[key] = item
        return document.as_string()
    old = table.item(key) if hasattr(table, "item") else table[key]
    width = len(old.as_string()) + len(old.trivia.comment_ws)
    table[key] = item
    if old.trivia.comment:  # the comment stays in its column
        new = table.item(key) if hasattr(table, "item") else table[key]
        new.trivia.comment_ws = " " * max(1, width - len(item.as_string()))
    return document.as_string()


def _assigned(key: str, item: Item) -> str:
    name = key if key.replace("-", "_").isidentifier() else tomlkit.item(key).as_string()
    return f"{name} = {item.as_string()}"


def _merged(before: Mapping[str, Any], values: Mapping[str, object]) -> dict[str, Any]:
    merged = {name: dict(v) if isinstance(v, dict) else v for name, v in before.items()}
    for dotted, value in values.items():
        section, _, key = dotted.partition(".")
        table = merged.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = value
    return merged
