"""Whether the model that the configuration names is here, found out before one that works is given
up for it."""

from __future__ import annotations

import platform
from typing import cast

from sdcam.errors import MissingError, SdcamError
from sdcam.models import find_model
from sdcam.models.bundle import Layout
from sdcam.models.bundles import find_bundle
from sdcam.settings import ConfigError, ModelSettings, Settings
from sdcam.settings.engine_words import AUTO
from sdcam.settings.mistakes import Mistake
from sdcam.settings.origin import Layers, Source

_KEYS = ("name", "engine", "render_size")


def must_be_here(settings: Settings, said: Layers) -> None:
    """
    Args:
        said: where the settings came from.

    Raises:
        ConfigError: it is not, or is not made for the engine that is named.
    """
    try:
        _find(settings.model)
    except SdcamError as error:
        origins = {key: said.origin(["model", key]) for key in _KEYS}
        said_by_user = [key for key, o in origins.items() if o.source is not Source.DEFAULT]
        key = (said_by_user or ["name"])[0] if isinstance(error, MissingError) else "engine"
        value = getattr(settings.model, key)
        expected = f"model.{key} = {value!r}: {str(error).rstrip('.')}"
        raise ConfigError([Mistake(origins[key], f"model.{key}", expected)]) from None


def _find(model: ModelSettings) -> None:
    """Files alone are looked at: whether the engine can run here shows when it is loaded."""
    engine, _, variant = model.engine.partition(":")
    if engine == "coreml":
        layout = cast(Layout, variant) if variant not in ("", AUTO) else None
        find_bundle(model.name, model.size, layout)
        return
    if engine.startswith("replay"):
        from sdcam.engines.replay import parse_replay

        parse_replay(model.engine)
    try:
        find_model(model.name)
    except MissingError:
        if engine != AUTO or platform.system() != "Darwin":
            raise
        find_bundle(model.name, model.size)  # all that it takes to run
