"""The documented default file, written from the models: every key, its default, what it means.

`config/config.toml` is this text and `config/config.schema.json` this schema; a test holds it.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import tomlkit

from sdcam.atomic_file import atomic_write
from sdcam.settings.key import Effect, bounds_of, choices_of, effect_of, unit_of
from sdcam.settings.schema import CoreMLSettings, Section, Settings, sections

SCHEMA_NAME = "config.schema.json"
WIDTH = 100
_HEAD = f"""\
#:schema ./{SCHEMA_NAME}
# StreamDiffusion Cam: the configuration, with every key and its default.
# It lies in ~/.config/streamdiffusion-cam/config.toml; `sdcam config edit` opens it there.
# The running service reads it whenever it is saved. A mistake changes nothing: `sdcam status` and
# `sdcam config check` name its line. `sdcam config show` tells what is in force, and why.
# Stronger than this file: an environment variable (SDCAM_LOOK__PROMPT), and the command line.
"""
_STYLES = """
# {description}
# `sdcam next` and `sdcam prev` walk through it. A change takes effect while running.
[styles]
# "my style" = "a linocut in two colours"
"""


def default_text() -> str:
    parts = [_HEAD]
    for name, model in sections().items():
        doc = " ".join((model.__doc__ or "").split())
        parts.append(f"\n{textwrap.indent(textwrap.fill(doc, WIDTH - 2), '# ')}\n[{name}]\n")
        parts.append(_keys(model))
    parts.append(_STYLES.format(description=Settings.model_fields["styles"].description))
    return "".join(parts)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, draft 7 and without references, which is what the editors'
    TOML extensions understand."""
    schema = Settings.model_json_schema()
    definitions = schema.pop("$defs")
    whole = _inlined(schema, definitions)
    assert isinstance(whole, dict)
    return {"$schema": "http://json-schema.org/draft-07/schema#", **whole}


def schema_text() -> str:
    return json.dumps(json_schema(), indent=2) + "\n"


def create(path: Path) -> None:
    """Writes the default file, and its schema beside it.

    Raises:
        SdcamError: it cannot be written.
    """
    write_schema(path.parent)
    atomic_write(path, default_text().encode())


def write_schema(folder: Path) -> None:
    """Beside the file, where editors find it.

    Raises:
        SdcamError: it cannot be written.
    """
    atomic_write(folder / SCHEMA_NAME, schema_text().encode())


def meaning(model: type[Section], name: str) -> str:
    """One key in words: what it does, its bounds and unit, and that it is live where others of its
    section are not."""
    field = model.model_fields[name]
    bounds, unit = bounds_of(field), unit_of(field)
    if model is CoreMLSettings:  # the same words for every key: they stand above
        bounds = ""
    effects = {effect_of(other) for other in model.model_fields.values()}
    live = "live" if len(effects) > 1 and effect_of(field) is Effect.LIVE else ""
    more = "; ".join(filter(None, (" ".join(filter(None, (bounds, unit))), live)))
    return f"{field.description} ({more})" if more else str(field.description)


def _keys(model: type[Section]) -> str:
    values = model().model_dump(mode="json")
    assigned = {
        name: f"{name} = {tomlkit.item(value).as_string()}" for name, value in values.items()
    }
    column = max(len(text) for text in assigned.values()) + 3
    lines = []
    if model is CoreMLSettings:
        words = ", ".join(f'"{w}"' for w in choices_of(model.model_fields["fused"]))
        lines.append(f"# Each is one of {words}.\n")
    for name, text in assigned.items():
        first, *more = textwrap.wrap(meaning(model, name), WIDTH - column - 2)
        lines.append(f"{text:<{column}}# {first}\n")
        lines += [f"{'':<{column}}# {line}\n" for line in more]
    return "".join(lines)


def _inlined(part: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_inlined(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    rest = {k: _inlined(v, definitions) for k, v in part.items() if k != "$ref"}
    if "$ref" in part:
        named = definitions[part["$ref"].rpartition("/")[2]]
        return {**_inlined(named, definitions), **rest}
    return rest
