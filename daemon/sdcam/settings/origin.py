"""Where a value came from: command line over environment over file over defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from sdcam.settings.toml_lines import line_of

ENV_PREFIX = "SDCAM_"
ENV_DELIMITER = "__"


class Source(str, Enum):
    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Origin:
    """
    Attributes:
        line: 1-based, where the file has one for it.
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
            return f"Environment variable {self.variable}" if self.variable else "The environment"
        if self.source is Source.FILE:
            return f"{self.file}, line {self.line}" if self.line else str(self.file)
        return str(self.source.value).capitalize()

    def __str__(self) -> str:
        """As editors and terminals link it: "config.toml:3"."""
        if self.source is Source.FILE:
            return f"{self.file}:{self.line}" if self.line else str(self.file)
        return self.variable or str(self.source.value)


@dataclass(frozen=True)
class Layers:
    """All that is said about the settings.

    Attributes:
        overrides: nested values of the command line.
        in_file: the same of the file, `text` what they were parsed from.
    """

    file: Path
    text: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    in_file: Mapping[str, Any] = field(default_factory=dict)

    def origin(self, keys: Sequence[str]) -> Origin:
        """Of the value of a key, or of the section that holds it."""
        if _holds(self.overrides, keys):
            return Origin(Source.COMMAND_LINE)
        variables = {name.upper() for name in os.environ}
        for length in range(len(keys), 0, -1):
            variable = ENV_PREFIX + ENV_DELIMITER.join(keys[:length]).upper()
            if variable in variables:
                return Origin(Source.ENVIRONMENT, variable=variable)
        if _holds(self.in_file, keys):
            return self.origin_in_file(keys)
        return Origin(Source.DEFAULT)

    def origin_in_file(self, keys: Sequence[str]) -> Origin:
        """Of what the file says, whether it is in force or not."""
        return Origin(Source.FILE, self.file, line_of(self.text, keys))


def _holds(values: Any, keys: Sequence[str]) -> bool:
    """Whether the key is said there, or one of those that it lies in is no table."""
    for key in keys:
        if not isinstance(values, Mapping):
            return True
        if key not in values:
            return False
        values = values[key]
    return True
