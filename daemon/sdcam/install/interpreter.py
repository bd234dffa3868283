"""The Python that the service runs on: its program, and its library for the app's launcher."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sdcam.errors import MissingError, UsageError
from sdcam.install.tool import call

_SECONDS = 60.0  # a first start on a slow disk


def interpreter() -> Path:
    """This Python, by the name that leads to its venv (and not to what that name points to)."""
    return Path(sys.executable).absolute()


def find_libpython(
    variables: Mapping[str, Any] | None = None, base_prefix: str = sys.base_prefix
) -> Path:
    """The shared library of this Python.

    Args:
        variables: of the build, as `sysconfig.get_config_vars()` has them.

    Raises:
        MissingError: it was built without one.
    """
    told = sysconfig.get_config_vars() if variables is None else variables
    for candidate in _candidates(told, Path(base_prefix)):
        if candidate.is_file():
            return candidate
    version = told.get("py_version_short", "3")
    raise MissingError(
        f"The Python in {base_prefix} has no shared library, which the app needs to load.",
        "Use one that has: of python.org, Homebrew or uv; with pyenv, PYTHON_CONFIGURE_OPTS="
        f"--enable-shared pyenv install {version}; on Debian, apt-get install libpython{version}. "
        "Then make the venv again.",
    )


def _candidates(told: Mapping[str, Any], base: Path) -> Iterator[Path]:
    version = told.get("py_version_short", "")
    # A framework (python.org, Homebrew, Xcode): one library without an ending, in its own folder.
    framework = told.get("PYTHONFRAMEWORK")
    if framework:
        yield base / framework
        if prefix := told.get("PYTHONFRAMEWORKPREFIX"):
            yield Path(prefix) / f"{framework}.framework" / "Versions" / version / framework
    names = [
        told.get("INSTSONAME"),  # Debian: the other one comes with the developers' package only
        told.get("LDLIBRARY"),
        f"libpython{version}.dylib",
        f"libpython{version}.so.1.0",
    ]
    # LIBDIR is where the builder had it: wrong in a Python that was moved (uv, conda).
    folders = [base / "lib", Path(told.get("LIBDIR") or base / "lib")]
    if multiarch := told.get("MULTIARCH"):
        folders.append(folders[-1] / multiarch)
    for folder in folders:
        for name in names:
            if name and not name.endswith(".a"):
                yield folder / Path(name).name


def check_it_starts(command: Sequence[str | Path]) -> None:
    """Starts `command --version` as the system will: in /, without this terminal's environment.

    Raises:
        UsageError: that fails; a service would fail the same way, and nobody would see why.
    """
    kept = {name: os.environ[name] for name in ("HOME", "USER", "LANG") if name in os.environ}
    done = call(
        *command,
        "--version",
        seconds=_SECONDS,
        environment={**kept, "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
        folder=Path("/"),
    )
    if not done.ok or not done.out.startswith("sdcam "):
        raise UsageError(
            f"A service could not start sdcam with {command[0]}: {done.said}.",
            f"Install it into that Python: {interpreter()} -m pip install streamdiffusion-cam.",
        )
