"""StreamDiffusion Cam.app: the program to which macOS grants the camera.

It is built on the user's Mac from `launchd/app`, because it loads that user's Python. macOS stores
the permission under the app's designated requirement, which is its identifier, so the permission
survives a rebuild. The app is rebuilt only if something that it is made of has changed.
"""

from __future__ import annotations

import hashlib
import platform
import plistlib
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sdcam import __version__, resources
from sdcam.errors import MissingError, SdcamError
from sdcam.install.service_agent import interpreter
from sdcam.platforms.macos import OLDEST_MACOS
from sdcam.platforms.names import APP_IDENTIFIER, CAMERA_NAME
from sdcam.platforms.tool import call

# Without it the designated requirement would be the hash of one build.
_REQUIREMENT = f'=designated => identifier "{APP_IDENTIFIER}"'


class AppBundle:
    """
    Args:
        folder: that holds the app; ~/Applications needs no administrator.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or Path.home() / "Applications") / f"{CAMERA_NAME}.app"
        self.launcher = self.path / "Contents" / "MacOS" / CAMERA_NAME
        self._resources = self.path / "Contents" / "Resources"
        self._fingerprint = self._resources / "made-of.txt"
        self._python = self._resources / "python.txt"

    def python(self) -> list[Path]:
        """The Python library that the launcher loads, and the interpreter that it stands for.
        Empty if there is no app."""
        if not self._python.exists():
            return []
        return [Path(line) for line in self._python.read_text("utf-8").splitlines() if line]

    def build(self) -> bool:
        """Builds the app; False if it is there and up to date.

        Raises:
            MissingError: there is no C compiler, or no shared Python library.
            SdcamError: it cannot be compiled, signed or written.
        """
        python = f"{find_libpython()}\n{interpreter()}\n"
        fingerprint = _fingerprint_of(python)
        if self._is_up_to_date(fingerprint):
            return False
        _check_compiler()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Built beside its place and renamed: it appears there complete, or not at all.
            with tempfile.TemporaryDirectory(
                prefix=f".{CAMERA_NAME}.", dir=self.path.parent
            ) as work:
                fresh = AppBundle(Path(work))
                fresh._fill(python, fingerprint)
                _sign(fresh.path)
                shutil.rmtree(self.path, ignore_errors=True)
                fresh.path.rename(self.path)
        except OSError as error:
            raise SdcamError(
                f"{self.path} cannot be written: {error.strerror or error}.",
                "Check that the folder is yours and that the disk is not full.",
            ) from None
        return True

    def remove(self) -> bool:
        """Removes the app and its camera permission. False if there was no app."""
        if not self.path.exists():
            return False
        if shutil.which("tccutil"):  # first: it has to find the app of that identifier
            call("tccutil", "reset", "Camera", APP_IDENTIFIER)
        shutil.rmtree(self.path)
        if not any(self.path.parent.iterdir()):
            self.path.parent.rmdir()
        return True

    def _is_up_to_date(self, fingerprint: str) -> bool:
        try:
            same = self._fingerprint.read_text() == fingerprint
        except OSError:
            return False
        return same and call("codesign", "--verify", "--strict", self.path).ok

    def _fill(self, python: str, fingerprint: str) -> None:
        self.launcher.parent.mkdir(parents=True)
        self._resources.mkdir()
        (self.path / "Contents" / "Info.plist").write_bytes(info_plist())
        self._python.write_text(python, encoding="utf-8")
        self._fingerprint.write_text(fingerprint)
        compile_launcher(self.launcher)


def compile_launcher(target: Path) -> None:
    """
    Raises:
        SdcamError: with the compiler's error.
    """
    # For the architecture of Python, which may be Intel's on an Apple Silicon Mac.
    architecture = ["-arch", platform.machine()] if sys.platform == "darwin" else []
    source = resources.launchd("app/launcher.c")
    libraries = ["-ldl"] if sys.platform == "linux" else []
    done = call("cc", "-O2", *architecture, "-o", target, source, *libraries)
    if not done.ok:
        fault = next((line for line in done.err.splitlines() if "error:" in line), done.said)
        raise SdcamError(
            f"The app's launcher could not be compiled: {fault}.",
            "`xcode-select --install` repairs Apple's compiler.",
        )


def info_plist() -> bytes:
    """Info.plist with our version and the oldest macOS filled in."""
    info = plistlib.loads(resources.launchd("app/Info.plist").read_bytes())
    values = {"VERSION": __version__, "OLDEST_MACOS": f"{OLDEST_MACOS}.0"}
    return plistlib.dumps(
        {key: values.get(value, value) for key, value in info.items()}, sort_keys=False
    )


def find_libpython(
    variables: Mapping[str, Any] | None = None, base_prefix: str = sys.base_prefix
) -> Path:
    """The shared library of this Python.

    Args:
        variables: of the Python's build, as `sysconfig.get_config_vars()` returns them.

    Raises:
        MissingError: this Python was built without one.
    """
    if variables is None:
        variables = sysconfig.get_config_vars()
    for candidate in _candidates(variables, Path(base_prefix)):
        if candidate.is_file():
            return candidate
    version = variables.get("py_version_short", "3")
    raise MissingError(
        f"The Python in {base_prefix} has no shared library, which the app loads.",
        "Use a Python from python.org, Homebrew or uv; with pyenv, PYTHON_CONFIGURE_OPTS="
        f"--enable-shared pyenv install {version}; on Debian, apt-get install libpython{version}. "
        "Then make the venv again.",
    )


def _candidates(variables: Mapping[str, Any], base: Path) -> Iterator[Path]:
    version = variables.get("py_version_short", "")
    # A framework (python.org, Homebrew, Xcode) is one library without a suffix.
    if framework := variables.get("PYTHONFRAMEWORK"):
        yield base / framework
        if prefix := variables.get("PYTHONFRAMEWORKPREFIX"):
            yield Path(prefix) / f"{framework}.framework" / "Versions" / version / framework
    names = [
        variables.get("INSTSONAME"),  # Debian installs the other one with python3-dev only
        variables.get("LDLIBRARY"),
        f"libpython{version}.dylib",
        f"libpython{version}.so.1.0",
    ]
    # LIBDIR is the folder at build time: wrong for a Python that was moved (uv, conda).
    folders = [base / "lib", Path(variables.get("LIBDIR") or base / "lib")]
    if multiarch := variables.get("MULTIARCH"):
        folders.append(folders[-1] / multiarch)
    for folder in folders:
        for name in names:
            if name and not name.endswith(".a"):
                yield folder / Path(name).name


def _check_compiler() -> None:
    # A Mac without the developer tools still has a `cc`, which only opens a window.
    no_tools = sys.platform == "darwin" and not call("xcode-select", "-p").ok
    if no_tools or shutil.which("cc") is None:
        raise MissingError(
            "There is no C compiler, which builds the app that macOS grants the camera to.",
            "Run `xcode-select --install`, then `sdcam service install` again.",
        )


def _sign(app: Path) -> None:
    done = call(
        "codesign", "--force", "--sign", "-", "--identifier", APP_IDENTIFIER,
        "--requirements", _REQUIREMENT, app,
    )  # fmt: skip
    if not done.ok:
        raise SdcamError(f"The app could not be signed: {done.said}.", "Try again.")


def _fingerprint_of(python: str) -> str:
    parts = (resources.launchd("app/launcher.c").read_bytes(), info_plist(), python.encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest() + "\n"
