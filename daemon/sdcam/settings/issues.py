"""What is wrong with a configuration: where it is written, which key, what was expected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sdcam.errors import UsageError
from sdcam.settings.keys import range_of, unit_of
from sdcam.settings.schema import Settings, field_of, sections

_LONGEST_VALUE = 60


class Source(str, Enum):
    """Where a value comes from, the weakest first."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Origin:
    """
    Attributes:
        line: of the file, 1-based; None if the value has no line of its own.
        variable: of the environment.
    """

    source: Source
    file: Path | None = None
    line: int | None = None
    variable: str | None = None

    @property
    def place(self) -> str:
        """As messages begin: "config.toml, line 3"."""
        if self.source is Source.ENVIRONMENT:
            return f"Environment variable {self.variable}"
        if self.source is Source.FILE:
            return f"{self.file}, line {self.line}" if self.line else str(self.file)
        return str(self.source.value).capitalize()

    def __str__(self) -> str:
        """As editors and terminals link it: "config.toml:3"."""
        if self.source is Source.FILE:
            return f"{self.file}:{self.line}" if self.line else str(self.file)
        return self.variable or str(self.source.value)


@dataclass(frozen=True)
class ConfigIssue:
    """
    Attributes:
        key: "look.strength", or "" for the file as a whole.
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

    def __init__(self, issues: Sequence[ConfigIssue], todo: str = "") -> None:
        self.issues = tuple(issues)
        super().__init__(" ".join(str(issue) for issue in self.issues), todo)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.issues, self.todo)

    @classmethod
    def of_file(
        cls, file: Path, expected: str, todo: str = "", line: int | None = None
    ) -> ConfigError:
        """The file as a whole is wrong: it is missing, not TOML or not text."""
        return cls([ConfigIssue(Origin(Source.FILE, file=file, line=line), "", expected)], todo)


def issues_of(
    error: ValidationError, origin: Callable[[Sequence[str]], Origin]
) -> Iterable[ConfigIssue]:
    """
    Args:
        origin: of a value, by the keys that lead to it.
    """
    for wrong in error.errors(include_url=False):
        # pydantic marks an error in the name of a style by one more part, "[key]".
        keys = [str(part) for part in wrong["loc"] if part != "[key]"]
        key = ".".join(keys)
        if wrong["type"] == "extra_forbidden":
            expected = f'unknown key "{short(key)}"{_closest(keys)}'
        else:
            value = short(repr(wrong["input"]))
            expected = f"{short(key)} = {value}: {sentence_of(wrong['msg'])}{_unit(key)}"
        yield ConfigIssue(origin(keys), key, expected)


def sentence_of(message: str) -> str:
    """A message of pydantic as the end of a sentence."""
    message = message.removeprefix("Value error, ")
    return f"{message[:1].lower()}{message[1:]}"


def short(text: str) -> str:
    """A value as a message shows it."""
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


def _unit(key: str) -> str:
    """Of a number: " (0 to 60 seconds)"."""
    field = field_of(key)
    return f" ({range_of(field)})" if field and unit_of(field) else ""


def _closest(keys: list[str]) -> str:
    section = sections().get(keys[0]) if len(keys) > 1 else Settings
    near = get_close_matches(keys[-1], list(section.model_fields) if section else [], n=1)
    return f'; did you mean "{near[0]}"?' if near else ""
