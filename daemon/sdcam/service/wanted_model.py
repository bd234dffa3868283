"""Finds out whether the model that the configuration names is here, before the service gives up one
that works."""

from __future__ import annotations

import platform
from typing import cast

from sdcam.errors import MissingError, SdcamError
from sdcam.models import find_model
from sdcam.models.bundle import Layout
from sdcam.models.bundles import find_bundle
from sdcam.settings import ConfigError, ModelSettings, Settings
from sdcam.settings.issues import ConfigIssue, Source, short
from sdcam.settings.keys import AUTO
from sdcam.settings.sources import ConfigSources

_KEYS = ("name", "engine", "render_size")


def require_model(settings: Settings, sources: ConfigSources) -> None:
    """
    Args:
        sources: of the settings, for the message.

    Raises:
        ConfigError: the model is missing, or is not converted for the engine that is named.
    """
    try:
        _find(settings.model)
        return
    except SdcamError as error:
        reason, missing = str(error).rstrip("."), isinstance(error, MissingError)
    except (OSError, ValueError) as error:  # a name that no file can have
        reason, missing = getattr(error, "strerror", None) or str(error), True
    origins = {key: sources.origin(["model", key]) for key in _KEYS}
    set_by_user = [key for key, o in origins.items() if o.source is not Source.DEFAULT]
    key = (set_by_user or ["name"])[0] if missing else "engine"
    expected = f"model.{key} = {short(repr(getattr(settings.model, key)))}: {reason}"
    raise ConfigError([ConfigIssue(origins[key], f"model.{key}", expected)])


def _find(model: ModelSettings) -> None:
    """Looks at files only. Whether the engine runs here is known when the model is loaded."""
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
        find_bundle(model.name, model.size)  # a bundle is all that "auto" needs on a Mac
