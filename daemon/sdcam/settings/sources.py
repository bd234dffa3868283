"""Reads the settings: command line over environment over file over defaults.

Every source is a tree of values. The trees are merged and validated once; the origin of a value,
for messages and for `sdcam config show`, is the strongest tree that holds it. docs/configuration.md
says why this is not pydantic-settings.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from sdcam import paths
from sdcam.settings.issues import ConfigError, ConfigIssue, Origin, Source, issues_of, short
from sdcam.settings.schema import Settings, field_of, sections
from sdcam.settings.styles import alike, shipped_styles
from sdcam.settings.toml_file import line_of, parse_toml, read

_PREFIX, _DELIMITER = "SDCAM_", "__"
# The user's, the macOS app's, and two of the tests.
NO_SETTINGS: Final = {paths.ENV_CONFIG, "SDCAM_LAUNCHER", "SDCAM_STAGE", "SDCAM_VM"}

Tree = Mapping[str, Any]


def load(file: Path | None = None, overrides: Tree | None = None) -> Settings:
    """The settings in force.

    Args:
        file: a configuration that must exist; None is the default place, where it need not.
        overrides: nested values of the command line, `{"look": {"prompt": "anime"}}`.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or has an unknown key or a value that
            does not fit; or one of the other sources has.
    """
    return ConfigSources.read(file, overrides).settings()


@dataclass(frozen=True)
class ConfigSources:
    """Everything that sets a value.

    Attributes:
        path: of the file, for messages; `text` is its content.
        overrides: nested values of the command line.
        environment: the variables that begin with SDCAM_.
    """

    path: Path
    text: str = ""
    overrides: Tree = field(default_factory=dict)
    environment: Mapping[str, str] = field(
        default_factory=lambda: {
            name: value
            for name, value in sorted(os.environ.items())
            if name.upper().startswith(_PREFIX) and name.upper() not in NO_SETTINGS
        }
    )

    @classmethod
    def read(cls, file: Path | None = None, overrides: Tree | None = None) -> ConfigSources:
        """
        Raises:
            ConfigError: the file cannot be read, or a file that is named does not exist.
        """
        path = file or paths.config_file()
        try:
            text = read(path)
        except FileNotFoundError:
            if file is not None or paths.ENV_CONFIG in os.environ:
                todo = "`sdcam config init` writes one."
                raise ConfigError.of_file(path, "does not exist", todo) from None
            text = ""
        return cls(path, text, overrides or {})

    def settings(self) -> Settings:
        """
        Raises:
            ConfigError: the file is not TOML, or there are unknown keys or values that do not fit;
                it names all of them.
        """
        environment, issues = self._environment
        stronger = merge(environment, _typed_tree(self.overrides))
        weaker = merge({"styles": shipped_styles()}, self.in_file)
        settings, more = _validated(merge(weaker, stronger), self.origin)
        issues = [*issues, *more, *self._styles_of_one_name()]
        # A mistake in the file that something stronger covers would show up when that is gone.
        if covered := _covered(self.in_file, stronger):
            issues += _validated(covered, self._origin_in_file)[1]
        if settings is None or issues:
            ranks = list(Source)
            issues.sort(key=lambda i: (ranks.index(i.origin.source), i.origin.line or 0))
            raise ConfigError(issues)
        return settings

    def origin(self, keys: Sequence[str]) -> Origin:
        """Of the value of a key, or of the section that holds it."""
        if _holds(self.overrides, keys):
            return Origin(Source.COMMAND_LINE)
        if _holds(self._environment[0], keys):
            names = {name.upper(): name for name in self.environment}
            variable = _PREFIX + keys[0].upper()
            single = _DELIMITER.join([variable, *keys[1:2]]).upper()
            return Origin(Source.ENVIRONMENT, variable=names.get(single) or names.get(variable))
        return self._origin_in_file(keys) if _holds(self.in_file, keys) else Origin(Source.DEFAULT)

    @cached_property
    def in_file(self) -> Tree:
        """What the file sets.

        Raises:
            ConfigError: it is not TOML.
        """
        return parse_toml(self.text, self.path)

    def _origin_in_file(self, keys: Sequence[str]) -> Origin:
        return Origin(Source.FILE, self.path, line_of(self.text, keys))

    @cached_property
    def _environment(self) -> tuple[Tree, list[ConfigIssue]]:
        """What the environment sets, and the variables that name no setting: a typo there would
        otherwise have no effect and no message."""
        values: dict[str, Any] = {}
        issues = []
        for name, text in self.environment.items():
            section, *keys = name.upper().removeprefix(_PREFIX).lower().split(_DELIMITER)
            expected = ""
            if section not in Settings.model_fields or len(keys) > 1:
                expected = f"no setting has this name{_closest_variable(name)}"
            elif re.search(r"[\ud800-\udfff]", text):  # how Python keeps bytes that are not UTF-8
                expected = f"{short(repr(text))} is not UTF-8 text"
            elif keys:
                values = merge(values, {section: {keys[0]: text}})
            elif (table := _json_object(text)) is not None:
                values = merge({section: table}, values)
            else:
                variable = f"{_PREFIX}{section}{_DELIMITER}key".upper()
                expected = (
                    f"{short(repr(text))} is not a JSON object; a single key is set by {variable}"
                )
            if expected:
                origin = Origin(Source.ENVIRONMENT, variable=name)
                issues.append(ConfigIssue(origin, section, expected))
        return _typed_tree(values), issues

    def _styles_of_one_name(self) -> Iterable[ConfigIssue]:
        styles = self.in_file.get("styles")
        for name, first in alike(styles if isinstance(styles, Mapping) else ()).items():
            expected = f'the style "{name}" has the same name as "{first}"; one of them is expected'
            yield ConfigIssue(self._origin_in_file(["styles", name]), f"styles.{name}", expected)


def _validated(
    values: Tree, origin: Callable[[Sequence[str]], Origin]
) -> tuple[Settings | None, list[ConfigIssue]]:
    try:
        return Settings.model_validate(values), []
    except ValidationError as error:
        return None, list(issues_of(error, origin))


def typed_values(values: Tree) -> dict[str, object]:
    """`{"look.strength": "0.5", "look.prompt": "1984"}` as the keys want them: a number and a text.
    The environment and the command line hold nothing but text. A text that does not fit stays what
    it is; validation then says what was expected."""
    return {key: _typed(key, value) for key, value in values.items()}


def _typed(dotted: str, value: object) -> object:
    key = field_of(dotted)
    if key is None or not isinstance(value, str):
        return value
    try:
        adapter: TypeAdapter[object] = TypeAdapter(key.annotation or object)
        return adapter.validate_python(value)
    except ValidationError:
        return value


def _typed_tree(values: Tree) -> Tree:
    return {
        section: {key: _typed(f"{section}.{key}", value) for key, value in table.items()}
        if isinstance(table, Mapping)
        else table
        for section, table in values.items()
    }


def merge(weak: Tree, strong: Tree) -> dict[str, Any]:
    """All values of both; where both have one, that of `strong`."""
    merged = dict(weak)
    for key, value in strong.items():
        both = isinstance(merged.get(key), Mapping) and isinstance(value, Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def tree_of(values: Tree) -> dict[str, Any]:
    """`{"look.seed": 3}` as `{"look": {"seed": 3}}`."""
    tree: dict[str, Any] = {}
    for dotted, value in values.items():
        section, _, key = dotted.partition(".")
        tree = merge(tree, {section: {key: value}})
    return tree


def _covered(weak: Tree, strong: Tree) -> dict[str, Any]:
    """The values of `weak` that those of `strong` replace."""
    covered = {}
    for key in weak:
        if isinstance(weak[key], Mapping) and isinstance(strong.get(key), Mapping):
            if inner := _covered(weak[key], strong[key]):
                covered[key] = inner
        elif key in strong:
            covered[key] = weak[key]
    return covered


def _holds(values: Any, keys: Sequence[str]) -> bool:
    """Whether the tree sets the key, or a value in the place of a table that would hold it."""
    for key in keys:
        if not isinstance(values, Mapping):
            return True
        if key not in values:
            return False
        values = values[key]
    return True


def _closest_variable(name: str) -> str:
    known = [
        f"{_PREFIX}{section}{_DELIMITER}{key}".upper()
        for section, model in sections().items()
        for key in model.model_fields
    ]
    near = get_close_matches(name.upper(), [*known, paths.ENV_CONFIG], n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
