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
from sdcam.settings.environment import mistakes_in_environment
from sdcam.settings.file import parse_toml, read
from sdcam.settings.mistakes import ConfigError, Mistake, mistakes_of
from sdcam.settings.origin import ENV_DELIMITER, ENV_PREFIX, Layers
from sdcam.settings.schema import Settings
from sdcam.settings.styles import alike, one_of_each

# The environment and the command line are text; in a file a number stands without quotes.
_WRONG_TYPES = ("float_type", "int_type", "bool_type", "string_type")


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
    return settings_of(parsed(path, text, overrides))


def layers(file: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Layers:
    """What `load` reads, before it is checked."""
    path = file or paths.config_file()
    text = _read(path, required=file is not None or paths.ENV_CONFIG in os.environ)
    return parsed(path, text, overrides or {})


def parsed(path: Path, text: str, overrides: Mapping[str, Any]) -> Layers:
    """`layers` of a file's text.

    Raises:
        ConfigError: not TOML.
    """
    return Layers(path, text, overrides, parse_toml(text, path))


def settings_of(said: Layers) -> Settings:
    """
    Raises:
        ConfigError: an unknown key, a value that does not fit.
    """

    in_environment = list(mistakes_in_environment())

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
            def source(values: Mapping[str, Any]) -> PydanticBaseSettingsSource:
                return InitSettingsSource(settings_cls, init_kwargs=dict(values))

            return (
                source(said.overrides),
                source({}) if in_environment else env_settings,  # it would stumble over them
                source(said.in_file),
                source({"styles": shipped_styles()}),
            )

    mistakes = _mistakes_in_file(said) + in_environment
    try:
        loaded = Loaded()
    except ValidationError as error:
        mistakes += [m for m in mistakes_of(error, said.origin) if m not in mistakes]
    if mistakes:
        raise ConfigError(mistakes)
    return Settings.model_construct(**{**dict(loaded), "styles": one_of_each(loaded.styles)})


def _mistakes_in_file(said: Layers) -> list[Mistake]:
    """Also those that a stronger layer covers: they would show up when it is gone."""
    mistakes = []
    try:
        Settings.model_validate(said.in_file)
    except ValidationError as error:
        mistakes = mistakes_of(error, said.origin_in_file)
    try:
        Settings.model_validate(said.in_file, strict=True)
    except ValidationError as error:
        told = {mistake.key for mistake in mistakes}
        typed = mistakes_of(error, said.origin_in_file, _WRONG_TYPES)
        mistakes += [mistake for mistake in typed if mistake.key not in told]
    styles = said.in_file.get("styles")
    for name, first in alike(styles if isinstance(styles, Mapping) else ()).items():
        key = ("styles", name)
        expected = f'the style "{name}" has the same name as "{first}"; one of them is expected'
        mistakes.append(Mistake(said.origin_in_file(key), ".".join(key), expected))
    return mistakes


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
