"""The settings in force while the service runs, and what a change of them concerns.

Strongest first: what `sdcam set` and `sdcam prompt` changed, the command line, the environment, the
file, the defaults. The first lasts until the file is next edited; what `--save` writes there is no
edit. A mistake in the file changes nothing at all.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdcam import paths
from sdcam.atomic_file import atomic_write
from sdcam.errors import SdcamError, UsageError
from sdcam.service.wanted_model import must_be_here
from sdcam.settings import ConfigError, Settings
from sdcam.settings.change import changed, differences, effect_in, is_live
from sdcam.settings.key import Effect
from sdcam.settings.load import layers, parsed, settings_of
from sdcam.settings.origin import Layers, Source
from sdcam.settings.save import with_values, write

# Live keys of [output] that the picture itself shows, with those of [look].
_PICTURE = {"output.fit", "output.mirror"}


@dataclass(frozen=True)
class Changes:
    """What became different, and so which part of the service has to follow.

    Attributes:
        settings: those in force from now on.
        keys: "look.prompt", ...; "styles" as a whole.
    """

    settings: Settings
    keys: frozenset[str]

    @property
    def look(self) -> bool:
        """The picture: at once, no frame is lost."""
        return any(k == "styles" or k.startswith("look.") or k in _PICTURE for k in self.keys)

    @property
    def camera(self) -> bool:
        """The camera has to be opened anew."""
        return self._any(Effect.CAMERA)

    @property
    def model(self) -> bool:
        """The model has to be loaded anew."""
        return self._any(Effect.MODEL)

    @property
    def output(self) -> bool:
        """The virtual camera has to be opened anew."""
        return self._any(Effect.OUTPUT)

    @property
    def restart(self) -> tuple[str, ...]:
        """The keys that wait until the service is started anew."""
        return tuple(sorted(k for k in self.keys if effect_in(k) is Effect.RESTART))

    def __bool__(self) -> bool:
        return bool(self.keys)

    def _any(self, effect: Effect) -> bool:
        return any(effect_in(key) is effect for key in self.keys)


class Configuration:
    """Made by one of its class methods.

    Attributes:
        file: the one to watch, absolute, for others are told of it; None where there is none.
        error: what is wrong with it now.
        instead: what was taken in the place of one that was wrong at the start, in words.
    """

    def __init__(
        self,
        settings: Settings,
        said: Layers | None = None,
        named: Path | None = None,
        error: ConfigError | None = None,
        last_good: Path | None = None,
    ) -> None:
        self.file = said.file.absolute() if said else None
        self.error = error
        self.instead = "the last good file" if said and said.text else "the defaults"
        self._named = named
        self._settings = self._at_start = settings
        self._layers = said or Layers(Path())
        self._had_file = self.file is not None and os.path.exists(self.file)  # noqa: PTH110
        self._runtime: dict[str, object] = {}
        self._last_good = last_good
        self._lock = threading.RLock()
        if said and not error:
            self._keep(said.text)

    @classmethod
    def read(
        cls, file: Path | None = None, overrides: Mapping[str, Any] | None = None
    ) -> Configuration:
        """
        Args:
            file: as `--config` named it, None for the default place.
            overrides: nested values of the command line; they stay stronger than the file.

        Raises:
            ConfigError: something is wrong at the start, when there is no good one to keep.
        """
        named = file.absolute() if file else None
        said = layers(named, overrides)
        return cls(settings_of(said), said, named)

    @classmethod
    def of_service(
        cls, file: Path | None = None, overrides: Mapping[str, Any] | None = None
    ) -> Configuration:
        """`read` for a service that the system starts, with nobody there to read an exit code: a
        file that is broken at the start gives way to the last good one, else to the defaults, and
        `error` says what is wrong with it.

        Raises:
            ConfigError: the command line or the environment is wrong.
        """
        named = file.absolute() if file else None
        copy = paths.cache_folder() / "config.last-good.toml"
        try:
            said = layers(named, overrides)
            return cls(settings_of(said), said, named, last_good=copy)
        except ConfigError as error:
            said = _last_good(copy, overrides or {})
            settings = settings_of(said)
            said = dataclasses.replace(said, file=named or paths.config_file())
            return cls(settings, said, named, error, copy)

    @classmethod
    def without_file(cls, settings: Settings) -> Configuration:
        """Of a run that reads none (`sdcam demo`): there is nothing to watch."""
        return cls(settings)

    @property
    def settings(self) -> Settings:
        return self._settings

    @property
    def runtime(self) -> dict[str, object]:
        """What was changed while running and is not in the file: {"look.prompt": "anime"}."""
        return dict(self._runtime)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Keys that have changed since the start and wait for a restart of the service."""
        return Changes(self._settings, differences(self._at_start, self._settings)).restart

    def status(self) -> dict[str, Any]:
        """For `sdcam status`: {"file", "error": None or {"message", "mistakes"}, "restart"}."""
        error = self.error
        return {
            "file": str(self.file) if self.file else None,
            "error": {"message": str(error), "mistakes": [m.as_dict() for m in error.mistakes]}
            if error
            else None,
            "restart": list(self.waiting),
        }

    def set(self, values: Mapping[str, object]) -> Changes:
        """Changes live keys until the file is next edited.

        Raises:
            UsageError: an unknown key, a value out of bounds, a key that is not live.
        """
        with self._lock:
            settings = changed(self._settings, values)
            self._runtime.update(values)
            return self._take(settings)

    def save(self, values: Mapping[str, object]) -> Changes:
        """Writes keys of any effect into the file, and takes them up from there; the live ones are
        in force at once whatever covers them. Nothing of it happens where some of it cannot.

        Raises:
            UsageError: an unknown key, a value out of bounds; there is no file.
            ConfigError: the file is broken, or would be with these values.
            SdcamError: it cannot be written.
        """
        with self._lock:
            if self.file is None:
                raise UsageError("This run reads no configuration file: nothing is saved.")
            live = {key: value for key, value in values.items() if is_live(key)}
            changed(self._settings, live)
            text = with_values(self.file, values)
            said = parsed(self.file, text, self._layers.overrides)
            try:
                below = self._checked(said)
            except ConfigError as error:
                raise ConfigError(error.mistakes, "Nothing is saved.") from None
            write(self.file, text)
            self._runtime.update(live)
            return self._take_up(said, below)

    def saved(self, keys: Iterable[str]) -> dict[str, Any]:
        """Where they are, and what covers those that are not in force for all that:
        {"file": "...", "covered": {"output.fps": "command line"}}, or a variable."""
        covered = {}
        for key in keys:
            origin = self._layers.origin(key.split(".", 1))
            if not is_live(key) and origin.source in (Source.COMMAND_LINE, Source.ENVIRONMENT):
                covered[key] = str(origin)
        return {"file": str(self.file), "covered": covered}

    def reload(self) -> Changes | None:
        """Reads the file anew. None is a mistake in it: nothing has changed, `error` says what is
        wrong. Never raises, whatever lies in the file's place."""
        with self._lock:
            # A file that was there and is gone is a mistake, not a wish for the defaults.
            file = self.file if self._had_file else self._named
            try:
                said = layers(file, self._layers.overrides)
                below = self._checked(said)
            except ConfigError as error:
                self.error = error
                return None
            if said.text != self._layers.text:
                self._runtime = {}
            return self._take_up(said, below)

    def _checked(self, said: Layers) -> Settings:
        """
        Raises:
            ConfigError: a mistake. A model that is missing at the start is waited for; one that is
                wished for now is not, for the one that works would have to go.
        """
        settings = settings_of(said)
        if settings.model != self._settings.model:
            must_be_here(settings, said)
        return settings

    def _take_up(self, said: Layers, below: Settings) -> Changes:
        self.error = None
        self._layers = said
        self._had_file = self._had_file or bool(said.text)
        self._keep(said.text)
        return self._take(changed(below, self._runtime) if self._runtime else below)

    def _keep(self, text: str) -> None:
        if self._last_good is not None:
            with contextlib.suppress(SdcamError):  # a full disk: the one before must do
                atomic_write(self._last_good, text.encode())

    def _take(self, settings: Settings) -> Changes:
        changes = Changes(settings, differences(self._settings, settings))
        self._settings = settings
        return changes


def _last_good(copy: Path, overrides: Mapping[str, Any]) -> Layers:
    """What the last good file said; if it is gone or of a version with other keys, nothing."""
    try:
        said = layers(copy, overrides)
        settings_of(said)
    except ConfigError:
        return Layers(copy, "", overrides)
    return said
