"""Reads the settings: command line over environment over file over defaults.

A mistake is a `UsageError` that names where the value came from (the file and line, the variable,
the option), the key, and what was expected.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from tomlkit.exceptions import TOMLKitError

from sdcam import paths, resources
from sdcam.errors import UsageError
from sdcam.settings.schema import Settings
from sdcam.settings.toml_lines import line_of


def load(file: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings in force.

    Args:
        file: a configuration that must exist; None means the default place, where it need not.
        overrides: nested values of the command line, `{"look": {"prompt": "anime"}}`.

    Raises:
        UsageError: unreadable file, TOML syntax, unknown key, value out of bounds.
    """
    path = file or paths.config_file()
    text = _read(path, required=file is not None or paths.ENV_CONFIG in os.environ)
    return parse(text, path, overrides or {})


def parse(text: str, path: Path, overrides: Mapping[str, Any]) -> Settings:
    """`load` of a file's text; `path` is used in messages only."""
    try:
        in_file = tomlkit.parse(text).unwrap()
    except TOMLKitError as error:
        raise UsageError(f"{path}: not valid TOML: {error}.", "Mend that line.") from error

    class Loaded(Settings, BaseSettings):
        model_config = SettingsConfigDict(env_prefix="SDCAM_", env_nested_delimiter="__")

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            from_file = InitSettingsSource(settings_cls, init_kwargs=in_file)
            shipped = InitSettingsSource(settings_cls, init_kwargs={"styles": shipped_styles()})
            return init_settings, env_settings, from_file, shipped

    try:
        loaded = Loaded(**overrides)
    except ValidationError as error:
        raise UsageError(_explain(error, text, path, overrides)) from None
    except (TypeError, ValueError) as error:  # an environment variable that is no TOML/JSON value
        raise UsageError(f"The environment: {error}.") from error
    return Settings.model_construct(**dict(loaded))


def shipped_styles() -> dict[str, str]:
    """The gallery that comes with the program, name to prompt; the user's own styles add to it."""
    text = resources.config("styles.toml").read_text(encoding="utf-8")
    return {str(k): str(v) for k, v in tomlkit.parse(text).unwrap()["styles"].items()}


def _read(path: Path, required: bool) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if not required:
            return ""
        raise UsageError(
            f"The configuration {path} does not exist.", "`sdcam config init` writes one."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The configuration {path} cannot be read: {error}.") from error


def _explain(error: ValidationError, text: str, path: Path, overrides: Mapping[str, Any]) -> str:
    """One sentence a mistake: where it stands, the key, what was expected."""
    sentences = []
    for mistake in error.errors():
        keys = [str(k) for k in mistake["loc"]]
        key = ".".join(keys)
        if mistake["type"] == "extra_forbidden":
            expected = f'unknown key "{key}"{_closest(keys)}'
        else:
            wrong = mistake["msg"].removeprefix("Value error, ")
            expected = f"{key} = {mistake['input']!r}: {wrong[:1].lower()}{wrong[1:]}"
        sentences.append(f"{_origin(keys, text, path, overrides)}: {expected}.")
    return " ".join(sentences)


def _origin(keys: list[str], text: str, path: Path, overrides: Mapping[str, Any]) -> str:
    value: Any = overrides
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    if value is not None:
        return "Command line"
    variable = "SDCAM_" + "__".join(keys).upper()
    if variable in os.environ:
        return f"Environment variable {variable}"
    line = line_of(text, keys)
    return f"{path}, line {line}" if line else str(path)


def _closest(keys: list[str]) -> str:
    from difflib import get_close_matches

    section = Settings.model_fields.get(keys[0]) if len(keys) > 1 else None
    fields = getattr(section.annotation, "model_fields", {}) if section else Settings.model_fields
    near = get_close_matches(keys[-1], list(fields), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""
