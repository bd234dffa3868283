"""Reads the settings: command line over environment over file over defaults.

A mistake is a `ConfigError` that names where the value came from (the file and line, the variable,
the command line), the key, and what was expected.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
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

from sdcam import paths, resources
from sdcam.settings.file import parse_toml, read
from sdcam.settings.mistakes import ConfigError, Mistake, mistakes_of
from sdcam.settings.origin import ENV_DELIMITER, ENV_PREFIX, Layers, Origin, Source
from sdcam.settings.schema import Settings


def load(file: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings in force.

    Args:
        file: a configuration that must exist; None means the default place, where it need not.
        overrides: nested values of the command line, `{"look": {"prompt": "anime"}}`.

    Raises:
        ConfigError: unreadable file, TOML syntax, unknown key, value out of bounds.
    """
    return settings_of(layers(file, overrides))


def parse(text: str, path: Path, overrides: Mapping[str, Any]) -> Settings:
    """`load` of a file's text; `path` is used in messages only."""
    return settings_of(Layers(path, text, overrides, parse_toml(text, path)))


def layers(file: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Layers:
    """What `load` reads, before it is checked."""
    path = file or paths.config_file()
    text = _read(path, required=file is not None or paths.ENV_CONFIG in os.environ)
    return Layers(path, text, overrides or {}, parse_toml(text, path))


def settings_of(said: Layers) -> Settings:
    """
    Raises:
        ConfigError: an unknown key, a value that does not fit.
    """

    class Loaded(Settings, BaseSettings):
        model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_nested_delimiter=ENV_DELIMITER)

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            from_file = InitSettingsSource(settings_cls, init_kwargs=dict(said.in_file))
            shipped = InitSettingsSource(settings_cls, init_kwargs={"styles": shipped_styles()})
            return init_settings, env_settings, from_file, shipped

    mistakes = _mistakes_in_file(said)
    try:
        loaded = Loaded(**said.overrides)
    except ValidationError as error:
        mistakes += [m for m in mistakes_of(error, said.origin) if m not in mistakes]
    except (TypeError, ValueError) as error:  # an environment variable that is no JSON value
        mistakes.append(Mistake(Origin(Source.ENVIRONMENT), "", str(error)))
    if mistakes:
        raise ConfigError(mistakes)
    return Settings.model_construct(**dict(loaded))


def _mistakes_in_file(said: Layers) -> list[Mistake]:
    """Also those that a stronger layer covers: they would show up when it is gone."""
    try:
        Settings.model_validate(said.in_file)
    except ValidationError as error:
        return mistakes_of(error, said.origin_in_file)
    return []


def shipped_styles() -> dict[str, str]:
    """The gallery that comes with the program, name to prompt; the user's own styles add to it."""
    return dict(_shipped_styles())


@cache
def _shipped_styles() -> dict[str, str]:
    text = resources.config("styles.toml").read_text(encoding="utf-8")
    return {str(k): str(v) for k, v in tomlkit.parse(text).unwrap()["styles"].items()}


def _read(path: Path, required: bool) -> str:
    try:
        return read(path)
    except FileNotFoundError:
        if not required:
            return ""
        raise ConfigError.of_file(
            path, "does not exist", "`sdcam config init` writes one."
        ) from None
