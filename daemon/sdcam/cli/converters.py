"""The converters, a package of its own with heavy needs: loaded by name and when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sdcam.errors import MissingError


def converter(name: str) -> Any:
    """A module of `sdcam_convert`: "cpu", "coreml.convert".

    Raises:
        MissingError: what it needs is not installed.
    """
    try:
        return import_module(f"sdcam_convert.{name}")
    except ImportError as fault:
        if fault.name is None or fault.name.startswith("sdcam"):
            raise
        raise MissingError(
            f"This needs {fault.name}, which is not installed.",
            'Run: pip install "streamdiffusion-cam[convert]".',
        ) from None
