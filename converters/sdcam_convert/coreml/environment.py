"""Checks whether this Python can convert, before anything heavy is loaded."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

from sdcam.errors import MissingError

_NEEDED = ("torch", "diffusers", "transformers", "coremltools")
_INSTALL = 'Install the converters: pip install "streamdiffusion-cam[convert]".'


def check_environment() -> dict[str, str]:
    """
    Returns:
        Versions of the packages that make a bundle, by name.

    Raises:
        MissingError: a package is missing, or two installed ones do not work together.
    """
    found: dict[str, str] = {}
    for name in _NEEDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            raise MissingError(f"Converting needs the package {name}.", _INSTALL) from None
    numpy = version("numpy")
    # https://github.com/apple/coremltools/issues/2633
    if _numbers(found["coremltools"]) <= (9, 0) and _numbers(numpy) >= (2, 4):
        raise MissingError(
            f"coremltools {found['coremltools']} does not work with numpy {numpy}.",
            'Install an older one: pip install "numpy<2.4".',
        )
    return found


def _numbers(text: str) -> tuple[int, int]:
    """(major, minor)"""
    major, minor = [*re.findall(r"\d+", text), "0", "0"][:2]
    return int(major), int(minor)
