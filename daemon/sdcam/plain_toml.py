"""TOML as plain values. Commands that only speak to the running service have no time to load the
parser that keeps comments."""

from __future__ import annotations

import sys
from typing import Any


def parse_plain_toml(text: str) -> dict[str, Any]:
    """
    Raises:
        ValueError: not TOML.
    """
    try:
        if sys.version_info >= (3, 11):
            import tomllib

            return tomllib.loads(text)
        return _with_tomlkit(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _with_tomlkit(text: str) -> dict[str, Any]:
    """For Python 3.10."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return dict(tomlkit.parse(text).unwrap())
    except TOMLKitError as error:
        raise ValueError(str(error)) from None
