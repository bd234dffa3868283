"""The Mac that Core ML runs on, and coremltools, its only door from Python."""

from __future__ import annotations

import importlib
import logging
import platform
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from sdcam.engines.coreml.standard_output import kept_standard_output
from sdcam.errors import MissingError, SdcamError
from sdcam.platforms.macos import OLDEST_MACOS

_HINTS_SINCE = (15,)

_SW_VERS = "/usr/bin/sw_vers"
_TIMEOUT_S = 20
# coremltools imports what it can convert from, if it is there: seconds and 280 MB a process.
_NOT_NEEDED = ("torch", "tensorflow", "sklearn", "scipy", "xgboost", "transformers")


@dataclass(frozen=True)
class System:
    """What a compiled program depends on beside its source."""

    macos: tuple[int, ...]  # (15, 1)
    build: str  # "24B83"
    coremltools: str  # "9.0"

    @property
    def takes_hints(self) -> bool:
        return self.macos >= _HINTS_SINCE


def find_system() -> System:
    """
    Raises:
        MissingError: no Mac, a macOS that is too old, or coremltools is not installed.
    """
    if platform.system() != "Darwin":
        raise MissingError(
            f"Core ML runs on macOS only, and this is {platform.system()}.",
            "To develop without a Mac: --engine replay:m3-ultra. To paint here: --engine auto.",
        )
    version = _sw_vers("-productVersion")
    macos = tuple(int(part) for part in version.split(".") if part.isdigit())
    if macos < (OLDEST_MACOS,):
        raise MissingError(
            f"The Core ML engine needs macOS {OLDEST_MACOS} or newer, and this is {version}.",
            "Update macOS, or take --engine auto.",
        )
    try:
        coremltools = metadata.version("coremltools")
    except metadata.PackageNotFoundError:
        raise _not_installed() from None
    return System(macos, _sw_vers("-buildVersion"), coremltools)


def import_coremltools() -> Any:
    """Without a word on either stream, and without the frameworks that it converts from.

    Raises:
        MissingError: not installed, or broken.
    """
    with _hidden(_NOT_NEEDED), _silent(), kept_standard_output():
        try:
            return importlib.import_module("coremltools")
        except ImportError as fault:
            raise _not_installed(fault) from None


def _not_installed(fault: ImportError | None = None) -> MissingError:
    lacks = f"{fault.name or fault} is" if fault is not None else "coremltools is"
    return MissingError(
        f"The Core ML engine cannot run: {lacks} not installed.",
        'Run: pip install "coremltools>=8.1,<10", with Python 3.10 to 3.13.',
    )


def _sw_vers(option: str) -> str:
    try:
        done = subprocess.run(
            (_SW_VERS, option), capture_output=True, check=True, text=True, timeout=_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError) as fault:
        raise SdcamError(
            f"macOS did not tell its version: {fault}.", f"Try it by hand: {_SW_VERS} {option}"
        ) from fault
    return done.stdout.strip()


@contextmanager
def _hidden(names: tuple[str, ...]) -> Iterator[None]:
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # "import fails", as in the docs
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)


@contextmanager
def _silent() -> Iterator[None]:
    """coremltools warns of every package that is newer than what it was tested with."""
    before = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)
