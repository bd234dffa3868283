"""The Mac that Core ML runs on, and coremltools, its only interface from Python."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import logging
import os
import platform
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from sdcam.errors import MissingError
from sdcam.platforms.macos import OLDEST_MACOS, macos_build, macos_version

_HINTS_SINCE = (15,)

_OUT, _ERR = 1, 2  # file descriptors
_LONGEST = 200  # characters
_DESCRIPTION = re.compile(r'NSLocalizedDescription\s*=\s*"?(.+?)"?;?\s*$', re.MULTILINE)
# coremltools imports every framework that it converts from: seconds and 280 MB a process.
_NOT_NEEDED = ("torch", "tensorflow", "sklearn", "scipy", "xgboost", "transformers")


@dataclass(frozen=True)
class System:
    """What a compiled program depends on, beside its source."""

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
            "To develop without a Mac: --engine replay:m3-ultra. To run a model: --engine auto.",
        )
    version = macos_version()
    macos = tuple(int(part) for part in version.split(".") if part.isdigit())
    if macos < (OLDEST_MACOS,):
        raise MissingError(
            f"The Core ML engine needs macOS {OLDEST_MACOS} or newer, and this is {version}.",
            "Update macOS, or use --engine auto.",
        )
    try:
        coremltools = metadata.version("coremltools")
    except metadata.PackageNotFoundError:
        raise _not_installed() from None
    return System(macos, macos_build(), coremltools)


def import_coremltools() -> Any:
    """Prints nothing, and leaves out the frameworks that coremltools converts from.

    Raises:
        MissingError: not installed, or broken.
    """
    with _hidden(_NOT_NEEDED), _silent(), kept_standard_output():
        try:
            return importlib.import_module("coremltools")
        except ImportError as fault:
            raise _not_installed(fault) from None


@contextmanager
def kept_standard_output() -> Iterator[None]:
    """What Python or C prints meanwhile goes to standard error; afterwards standard output is the
    same file again.

    Standard output belongs to the command: `sdcam run --json` prints one JSON document there.
    coremltools prints values that it cannot convert, Core ML's compiler prints as it likes, and
    coremltools points file descriptor 1 at /dev/null while it compiles a package.
    """
    if sys.stdout is not None:  # None where a service was started without one
        sys.stdout.flush()
    try:
        kept = os.dup(_OUT)
    except OSError:
        with contextlib.redirect_stdout(sys.stderr):
            yield
        return
    try:
        with contextlib.suppress(OSError):
            os.dup2(_ERR, _OUT)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        ctypes.CDLL(None).fflush(None)  # else C's buffer would appear on standard output later
        os.dup2(kept, _OUT)
        os.close(kept)


def reason(fault: Exception) -> str:
    """Core ML's description of a fault, in one line: coremltools raises the whole error dictionary,
    printed over several lines."""
    text = str(fault).strip()
    if described := _DESCRIPTION.search(text):
        text = described[1]
    line = next((line.strip() for line in text.splitlines() if line.strip(" {}();")), "")
    return line[:_LONGEST] or type(fault).__name__


def _not_installed(fault: ImportError | None = None) -> MissingError:
    name = (fault.name or fault) if fault is not None else "coremltools"
    return MissingError(
        f"The Core ML engine cannot run: {name} is not installed.",
        'Run: pip install "coremltools>=8.1,<10", with Python 3.10 to 3.13.',
    )


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
    """coremltools warns about every package that is newer than those it was tested with."""
    before = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)
