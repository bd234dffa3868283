"""What is in force, each value with its origin: as text that is TOML again, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomlkit

from sdcam.settings.issues import Origin, Source
from sdcam.settings.keys import unit_of
from sdcam.settings.schema import Settings, field_of
from sdcam.settings.sources import ConfigSources

_WIDEST_COLUMN = 44


def as_toml(sources: ConfigSources) -> str:
    """
    Raises:
        ConfigError: the configuration is wrong.
    """
    in_force = sources.settings().model_dump(mode="json")
    parts = []
    for section in Settings.model_fields:
        rows = [
            (f"{_name(key)} = {_toml(value)}", unit, _place(origin))
            for key, value, unit, origin in _values(section, in_force[section], sources)
        ]
        column = min(_WIDEST_COLUMN, max(len(row[0]) for row in rows)) + 1
        lines = [f"{text:<{column}} # {unit}{', ' if unit else ''}{at}" for text, unit, at in rows]
        parts.append("\n".join([f"[{section}]", *lines]) + "\n")
    return "\n".join(parts)


def as_json(sources: ConfigSources) -> str:
    """{"look": {"seed": {"value": 42, "unit": null, "from": "default", ...}}}"""
    in_force = sources.settings().model_dump(mode="json")
    shown = {
        section: {
            key: {
                "value": value,
                "unit": unit or None,
                "from": str(origin.source.value),
                "file": str(origin.file) if origin.file else None,
                "line": origin.line,
                "variable": origin.variable,
            }
            for key, value, unit, origin in _values(section, in_force[section], sources)
        }
        for section in Settings.model_fields
    }
    return json.dumps(shown, indent=2) + "\n"


def _values(
    section: str, values: dict[str, Any], sources: ConfigSources
) -> Iterator[tuple[str, Any, str, Origin]]:
    for key, value in values.items():
        field = field_of(f"{section}.{key}")
        yield key, value, unit_of(field) if field else "", sources.origin([section, key])


def _place(origin: Origin) -> str:
    if origin.source is not Source.FILE or origin.file is None:
        return str(origin)
    home = str(Path.home())
    place = str(origin)
    return f"~{place[len(home) :]}" if place.startswith(f"{home}/") else place


def _toml(value: Any) -> str:
    """A value as TOML. Characters that would steer a terminal are escaped."""
    text = tomlkit.item(value).as_string()
    return "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in text)


def _name(key: str) -> str:
    bare = key.replace("-", "").replace("_", "")
    return key if bare.isascii() and bare.isalnum() else _toml(key)
