"""Variables of the environment that name no setting. A typo there would pass for a wish, as well as
in the file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from sdcam.paths import ENV_CONFIG
from sdcam.settings.mistakes import Mistake, short
from sdcam.settings.origin import ENV_DELIMITER, ENV_PREFIX, Origin, Source
from sdcam.settings.schema import Settings, sections

# The first is the user's, the second comes from the macOS app, the others are the tests' own.
NO_SETTINGS: Final = {ENV_CONFIG, "SDCAM_LAUNCHER", "SDCAM_STAGE", "SDCAM_VM"}


def mistakes_in_environment() -> Iterator[Mistake]:
    """All but unknown keys and values that do not fit: those come to light with all the others."""
    for name, value in sorted(os.environ.items()):
        variable = name.upper()
        if variable.startswith(ENV_PREFIX) and variable not in NO_SETTINGS:
            section, *keys = variable.removeprefix(ENV_PREFIX).lower().split(ENV_DELIMITER)
            if section not in Settings.model_fields or len(keys) > 1:
                yield _mistake(name, f"no setting is called so{_closest(variable)}")
            elif not _is_text(value):
                yield _mistake(name, f"{short(repr(value))} is not UTF-8 text", section)
            elif not keys and not _is_table(value):
                yield _mistake(
                    name,
                    f"{short(repr(value))} is no JSON object; a single key is set by "
                    f"{variable}{ENV_DELIMITER}KEY",
                    section,
                )


def _mistake(variable: str, expected: str, key: str = "") -> Mistake:
    return Mistake(Origin(Source.ENVIRONMENT, variable=variable), key, expected)


def _closest(variable: str) -> str:
    known = [
        f"{ENV_PREFIX}{section}{ENV_DELIMITER}{key}".upper()
        for section, model in sections().items()
        for key in model.model_fields
    ]
    near = get_close_matches(variable, [*known, ENV_CONFIG], n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _is_table(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _is_text(value: str) -> bool:
    """Whether it was UTF-8; Python keeps bytes that were none as single surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
