"""Options that several commands share, and how they become settings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sdcam.errors import UsageError
from sdcam.plain_toml import parse_plain_toml


def add_settings_options(parser: argparse.ArgumentParser) -> None:
    add_config_option(parser)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one setting, such as look.strength=0.7; may be repeated",
    )


def add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="NAME", help="model name, diffusers folder or bundle")
    parser.add_argument("--engine", metavar="NAME", help="what runs the networks")


def add_config_option(parser: argparse.ArgumentParser, text: str = "configuration to read") -> None:
    parser.add_argument("--config", type=file_path, metavar="FILE", help=text)


def file_path(text: str) -> Path:
    """Expands the home folder: a shell does that in `--config ~/x`, not in `--config=~/x`."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"{text}: there is no such user's home") from None


def settings_from(arguments: argparse.Namespace, **more: Any) -> Any:
    """The settings in force under this command line; `more` as for `overrides_from`."""
    from sdcam.settings import load

    return load(arguments.config, overrides_from(arguments, **more))


def sources_from(arguments: argparse.Namespace, **more: Any) -> Any:
    """Everything that sets a setting (`sdcam.settings.sources.ConfigSources`), not yet checked."""
    from sdcam.settings.sources import ConfigSources

    return ConfigSources.read(arguments.config, overrides_from(arguments, **more))


def overrides_from(arguments: argparse.Namespace, **more: Any) -> dict[str, Any]:
    """What this command line sets, nested as in the file.

    Args:
        more: further keys, with "__" for the dot: `look__prompt="anime"`. None is not set.

    Raises:
        UsageError: a word that is no assignment, or two that contradict each other.
    """
    values = assignments(arguments.set)
    values.update({k.replace("__", "."): v for k, v in more.items() if v is not None})
    nested: dict[str, Any] = {}
    for dotted, value in values.items():
        *tables, key = dotted.split(".")
        table = nested
        for name in tables:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                raise UsageError(f'"{dotted}" lies in "{name}", which has a value, too.')
        table[key] = value
    return nested


def assignments(words: list[str]) -> dict[str, Any]:
    """`["look.strength=0.7"]` as `{"look.strength": "0.7"}`: the key decides what a text means
    (`sdcam.settings.sources.typed_values`), so 1984 can be a prompt. Quoted text, lists and tables
    are read as TOML.

    Raises:
        UsageError: a word without "=", or one that is not UTF-8 text.
    """
    values = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key.strip():
            raise UsageError(f'"{word}" is not of the form KEY=VALUE.', "Try look.strength=0.7.")
        try:
            word.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{word!r} is not UTF-8 text.") from None
        values[key.strip()] = _value(text.strip())
    return values


def _value(text: str) -> Any:
    if not text.startswith(('"', "'", "[", "{")):
        return text
    try:
        parsed = parse_plain_toml(f"value = {text}")
    except ValueError:
        return text
    return parsed["value"] if len(parsed) == 1 else text  # several lines are text, not TOML
