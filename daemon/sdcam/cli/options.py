"""Options that several commands share, and how they become settings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sdcam.errors import UsageError


def add_settings_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration to read")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one setting, such as look.strength=0.7; may be repeated",
    )


def settings_from(arguments: argparse.Namespace, **more: Any) -> Any:
    """The settings in force under this command line; `more` are dotted keys written with "__"."""
    from sdcam.settings import load

    values = assignments(arguments.set)
    values.update({k.replace("__", "."): v for k, v in more.items() if v is not None})
    nested: dict[str, Any] = {}
    for dotted, value in values.items():
        *tables, key = dotted.split(".")
        table = nested
        for name in tables:
            table = table.setdefault(name, {})
        table[key] = value
    return load(arguments.config, nested)


def assignments(words: list[str]) -> dict[str, Any]:
    """`["look.strength=0.7"]` as `{"look.strength": 0.7}`; values are TOML, bare words strings.

    Raises:
        UsageError: a word without "=".
    """
    values = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key.strip():
            raise UsageError(f'"{word}" is not of the form KEY=VALUE.', "Try look.strength=0.7.")
        values[key.strip()] = _toml_value(text.strip())
    return values


def _toml_value(text: str) -> Any:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(f"value = {text}").unwrap()["value"]
    except TOMLKitError:
        return text
