"""The settings in force while the service runs, and what a change of them brings about.

Strongest first: what `sdcam set` and `sdcam prompt` changed, the command line, the environment, the
file, the defaults. A change by command lasts until the file is next edited; what `--save` writes is
not an edit. A mistake in the file changes nothing at all.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from sdcam import paths
from sdcam.atomic_file import atomic_write
from sdcam.errors import SdcamError, UsageError
from sdcam.service.wanted_model import require_model
from sdcam.settings import ConfigError, Settings
from sdcam.settings.issues import Source, sentence_of, short
from sdcam.settings.keys import Effect
from sdcam.settings.save import with_values, write
from sdcam.settings.schema import effect_of_key, sections
from sdcam.settings.sources import ConfigSources, typed_values

# Live keys of [output] that change the picture, as those of [look] do.
_PICTURE = {"output.fit", "output.mirror"}


@dataclass(frozen=True)
class Changes:
    """Which settings changed, and so which parts of the service have to follow.

    Attributes:
        settings: those in force from now on.
        keys: "look.prompt", ...; "styles" as a whole.
    """

    settings: Settings
    keys: frozenset[str]

    @property
    def look(self) -> bool:
        """Whether the picture changes: at once, and no frame is lost."""
        return any(k == "styles" or k.startswith("look.") or k in _PICTURE for k in self.keys)

    @property
    def camera(self) -> bool:
        """Whether the camera has to be reopened."""
        return self._any(Effect.CAMERA)

    @property
    def model(self) -> bool:
        """Whether the model has to be reloaded."""
        return self._any(Effect.MODEL)

    @property
    def output(self) -> bool:
        """Whether the virtual camera has to be reopened."""
        return self._any(Effect.OUTPUT)

    @property
    def restart(self) -> tuple[str, ...]:
        """The keys that wait for a restart of the service."""
        return tuple(sorted(k for k in self.keys if effect_of_key(k) is Effect.RESTART))

    def __bool__(self) -> bool:
        return bool(self.keys)

    def _any(self, effect: Effect) -> bool:
        return any(effect_of_key(key) is effect for key in self.keys)


class Configuration:
    """Use one of the class methods to make one. `settings` may be read from any thread.

    Attributes:
        file: the absolute path of the file to watch; None if this run reads no file.
        error: what is wrong with the file now.
        instead: in words, what is used because the file was wrong at the start.
    """

    def __init__(
        self,
        settings: Settings,
        sources: ConfigSources | None = None,
        named_file: Path | None = None,
        error: ConfigError | None = None,
        last_good: Path | None = None,
    ) -> None:
        self.file = sources.path.absolute() if sources else None
        self.error = error
        self.instead = "the last good file" if sources and sources.text else "the defaults"
        self._named_file = named_file
        self._settings = self._at_start = settings
        self._sources = sources or ConfigSources(Path())
        self._file_existed = self.file is not None and os.path.exists(self.file)  # noqa: PTH110
        self._runtime: dict[str, object] = {}
        self._last_good = last_good
        self._lock = threading.RLock()
        if sources and not error:
            self._keep_copy(sources.text)

    @classmethod
    def read(
        cls, file: Path | None = None, overrides: Mapping[str, Any] | None = None
    ) -> Configuration:
        """
        Args:
            file: as `--config` named it, None for the default place.
            overrides: nested values of the command line; they stay stronger than the file.

        Raises:
            ConfigError: something is wrong at the start, when there is no good file to keep.
        """
        file = file.absolute() if file else None
        sources = ConfigSources.read(file, overrides)
        return cls(sources.settings(), sources, file)

    @classmethod
    def of_service(
        cls, file: Path | None = None, overrides: Mapping[str, Any] | None = None
    ) -> Configuration:
        """`read` for a service that the system starts. Nobody reads its exit code: if the file is
        broken at the start, the last good file is used, else the defaults, and `error` says what is
        wrong.

        Raises:
            ConfigError: the command line or the environment is wrong.
        """
        file = file.absolute() if file else None
        copy = paths.cache_folder() / "config.last-good.toml"
        try:
            sources = ConfigSources.read(file, overrides)
            return cls(sources.settings(), sources, file, last_good=copy)
        except ConfigError as error:
            sources, settings = _last_good(copy, overrides or {})
            sources = dataclasses.replace(sources, path=file or paths.config_file())
            return cls(settings, sources, file, error, copy)

    @classmethod
    def without_file(cls, settings: Settings) -> Configuration:
        """For a run that reads no file (`sdcam demo`): there is nothing to watch."""
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
        return Changes(self._settings, _differences(self._at_start, self._settings)).restart

    def status(self) -> dict[str, Any]:
        """For `sdcam status`: {"file", "error": None or {"message", "mistakes"}, "restart"}."""
        error = self.error
        return {
            "file": str(self.file) if self.file else None,
            "error": {"message": str(error), "mistakes": [i.as_dict() for i in error.issues]}
            if error
            else None,
            "restart": list(self.waiting),
        }

    @staticmethod
    def in_words(values: Mapping[str, object]) -> str:
        """For the log: "look.strength = 0.7, look.prompt = 'anime'"."""
        return ", ".join(f"{key} = {value!r}" for key, value in typed_values(values).items())

    def set(self, values: Mapping[str, object]) -> Changes:
        """Changes live keys until the file is next edited.

        Args:
            values: {"look.strength": 0.7}; text is read as the key wants it.

        Raises:
            UsageError: an unknown key, a value out of bounds, a key that is not live.
        """
        with self._lock:
            values = typed_values(values)
            settings = _changed(self._settings, values)
            self._runtime.update(values)
            return self._replace(settings)

    def save(self, values: Mapping[str, object]) -> Changes:
        """Writes keys of any effect into the file and takes them from there. Live keys are in force
        at once, even if the command line covers them. Either all of it happens or nothing.

        Raises:
            UsageError: an unknown key, a value out of bounds; this run reads no file.
            ConfigError: the file is broken, or would be with these values.
            SdcamError: it cannot be written.
        """
        with self._lock:
            if self.file is None:
                raise UsageError("This run reads no configuration file: nothing is saved.")
            values = typed_values(values)
            live = {key: value for key, value in values.items() if _is_live(key)}
            _changed(self._settings, live)
            text = with_values(self.file, values)
            sources = ConfigSources(self.file, text, self._sources.overrides)
            try:
                settings = self._validated(sources)
            except ConfigError as error:
                raise ConfigError(error.issues, "Nothing is saved.") from None
            write(self.file, text)
            self._runtime.update(live)
            return self._follow(sources, settings)

    def saved(self, keys: Iterable[str]) -> dict[str, Any]:
        """Where the keys are saved, and what covers those that are not in force:
        {"file": "...", "covered": {"output.fps": "command line"}}, or the name of a variable."""
        covered = {}
        for key in keys:
            origin = self._sources.origin(key.split(".", 1))
            if not _is_live(key) and origin.source in (Source.COMMAND_LINE, Source.ENVIRONMENT):
                covered[key] = str(origin)
        return {"file": str(self.file), "covered": covered}

    def reload(self) -> Changes | None:
        """Reads the file again. None means that it has a mistake: nothing has changed, and `error`
        says what is wrong. Never raises, whatever is in the place of the file."""
        with self._lock:
            # A file that existed and is gone is a mistake, not a wish for the defaults.
            file = self.file if self._file_existed else self._named_file
            try:
                sources = ConfigSources.read(file, self._sources.overrides)
                settings = self._validated(sources)
            except ConfigError as error:
                self.error = error
                return None
            if sources.text != self._sources.text:
                self._runtime = {}
            return self._follow(sources, settings)

    def _validated(self, sources: ConfigSources) -> Settings:
        """
        Raises:
            ConfigError: a mistake, or a newly named model that is missing: to wait for it, the
                service would have to give up the one that works. (At the start it waits.)
        """
        settings = sources.settings()
        if settings.model != self._settings.model:
            require_model(settings, sources)
        return settings

    def _follow(self, sources: ConfigSources, settings: Settings) -> Changes:
        self.error = None
        self._sources = sources
        self._file_existed = self._file_existed or bool(sources.text)
        self._keep_copy(sources.text)
        return self._replace(_changed(settings, self._runtime))

    def _keep_copy(self, text: str) -> None:
        if self._last_good is not None:
            with contextlib.suppress(SdcamError):  # the disk is full: the older copy has to do
                atomic_write(self._last_good, text.encode())

    def _replace(self, settings: Settings) -> Changes:
        changes = Changes(settings, _differences(self._settings, settings))
        self._settings = settings
        return changes


def _last_good(copy: Path, overrides: Mapping[str, Any]) -> tuple[ConfigSources, Settings]:
    """The last good file. No file, if it is gone or if this version does not accept it."""
    try:
        sources = ConfigSources.read(copy, overrides)
        return sources, sources.settings()
    except ConfigError:
        sources = ConfigSources(copy, "", overrides)
        return sources, sources.settings()


def _changed(settings: Settings, values: Mapping[str, object]) -> Settings:
    """A copy of the settings with `{"look.strength": 0.7}` in force.

    Raises:
        UsageError: an unknown key, a key that is not live, a value that does not fit.
    """
    changes: dict[str, BaseModel] = {}
    for dotted, value in values.items():
        if not _is_live(dotted):
            raise UsageError(
                f'"{short(dotted)}" is not a key that can be changed while running.',
                "With --save it goes into the configuration file, which is read at once."
                if effect_of_key(dotted)
                else f"These can: {', '.join(key for key in _keys() if _is_live(key))}.",
            )
        section, _, key = dotted.partition(".")
        model = changes.get(section) or getattr(settings, section)
        try:
            changes[section] = type(model).model_validate({**model.model_dump(), key: value})
        except ValidationError as error:
            expected = sentence_of(error.errors(include_url=False)[0]["msg"])
            raise UsageError(f"{dotted} = {short(repr(value))}: {expected}.") from None
    return settings.model_copy(update=changes)


def _differences(before: Settings, after: Settings) -> frozenset[str]:
    """The keys whose values differ; "styles" as a whole."""
    keys = {key for key in _keys() if attrgetter(key)(before) != attrgetter(key)(after)}
    # `next` and `prev` walk through the styles, so their order counts.
    if list(before.styles.items()) != list(after.styles.items()):
        keys.add("styles")
    return frozenset(keys)


def _keys() -> list[str]:
    """ "look.prompt", ... in the order of the models."""
    return [f"{name}.{key}" for name, model in sections().items() for key in model.model_fields]


def _is_live(dotted: str) -> bool:
    return effect_of_key(dotted) is Effect.LIVE
