"""What is wrong with a configuration: where it stands, which key, what was expected."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sdcam.errors import UsageError
from sdcam.settings.key import bounds_of, unit_of
from sdcam.settings.origin import Origin, Source
from sdcam.settings.schema import Settings, sections

_LONGEST_VALUE = 60


@dataclass(frozen=True)
class Mistake:
    """
    Attributes:
        origin: the file (and line), the variable, or the command line.
        key: "look.strength", or "" where the whole file is meant.
        expected: the sentence without its place, such as "look.strength = 2: input should be ...".
    """

    origin: Origin
    key: str
    expected: str

    def __str__(self) -> str:
        end = "" if self.expected.endswith("?") else "."
        return f"{self.origin.place}: {self.expected}{end}"

    def as_dict(self) -> dict[str, Any]:
        """For `sdcam status --json`."""
        file, line = self.origin.file, self.origin.line
        return {
            "file": str(file) if file else None,
            "line": line,
            "key": self.key,
            "expected": self.expected,
            "message": str(self),
        }


class ConfigError(UsageError):
    """The configuration is wrong, or cannot be read."""

    def __init__(self, mistakes: Sequence[Mistake], todo: str = "") -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(" ".join(str(m) for m in self.mistakes), todo)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.mistakes, self.todo)

    @classmethod
    def of_file(
        cls, file: Path, expected: str, todo: str = "", line: int | None = None
    ) -> ConfigError:
        """The file as a whole is wrong: it is not there, not TOML, not text."""
        return cls([Mistake(Origin(Source.FILE, file=file, line=line), "", expected)], todo)


def mistakes_of(
    error: ValidationError,
    origin: Callable[[Sequence[str]], Origin],
    kinds: Collection[str] | None = None,
) -> list[Mistake]:
    """
    Args:
        origin: of a value, by the keys that lead to it.
        kinds: pydantic's names of those to tell; None tells all.
    """
    found = []
    for wrong in error.errors(include_url=False):
        if kinds is not None and wrong["type"] not in kinds:
            continue
        # Of a style's name that is wrong, pydantic says so behind the name.
        keys = [str(k) for k in wrong["loc"] if k != "[key]"]
        key = ".".join(keys)
        if wrong["type"] == "extra_forbidden":
            expected = f'unknown key "{short(key)}"{_closest(keys)}'
        else:
            message = wrong["msg"].removeprefix("Value error, ")
            value = short(repr(wrong["input"]))
            expected = f"{short(key)} = {value}: {message[:1].lower()}{message[1:]}{_unit(keys)}"
        found.append(Mistake(origin(keys), key, expected))
    return found


def short(text: str) -> str:
    """A value as a message shows it."""
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


def _unit(keys: list[str]) -> str:
    """Of a number: " (0 to 60 seconds)"."""
    model = sections().get(keys[0])
    field = model.model_fields.get(keys[-1]) if model and len(keys) == 2 else None
    if field is None or not unit_of(field):
        return ""
    return f" ({' '.join(filter(None, (bounds_of(field), unit_of(field))))})"


def _closest(keys: list[str]) -> str:
    known: Mapping[str, Any] = Settings.model_fields
    if len(keys) > 1 and keys[0] in sections():
        known = sections()[keys[0]].model_fields
    near = get_close_matches(keys[-1], list(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""
