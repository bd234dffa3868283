"""StreamDiffusion Cam.app: the program in whose name macOS gives the service the camera.

It is built on the user's own Mac, from `launchd/app`, because it loads that user's Python. The
permission is remembered by the requirement that its signature states, the identifier, and so
outlives a rebuild; all the same it is rebuilt only when something it is made of has changed.
"""

from __future__ import annotations

import hashlib
import platform
import plistlib
import shutil
import sys
import tempfile
from pathlib import Path

from sdcam import __version__, resources
from sdcam.errors import MissingError, SdcamError
from sdcam.install.interpreter import find_libpython, interpreter
from sdcam.install.tool import call
from sdcam.platforms.names import APP_IDENTIFIER, CAMERA_NAME

# Without it the requirement would be the hash of this very build.
_REQUIREMENT = f'=designated => identifier "{APP_IDENTIFIER}"'


class AppBundle:
    """
    Args:
        folder: where it lies; ~/Applications needs no administrator.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or Path.home() / "Applications") / f"{CAMERA_NAME}.app"
        self.launcher = self.path / "Contents" / "MacOS" / CAMERA_NAME
        self._stamp = self.path / "Contents" / "Resources" / "made-of.txt"

    def build(self) -> bool:
        """Makes it, unless it is there and made of the same things; True when it was made.

        Raises:
            MissingError: no C compiler, no shared Python library.
            SdcamError: it cannot be compiled, signed or written.
        """
        note = f"{find_libpython()}\n{interpreter()}\n"
        made_of = _fingerprint(note)
        if self._is_made_of(made_of):
            return False
        _check_compiler()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Beside its place, so that it appears there whole, or not at all.
            with tempfile.TemporaryDirectory(
                prefix=f".{CAMERA_NAME}.", dir=self.path.parent
            ) as work:
                fresh = AppBundle(Path(work))
                fresh._fill(note, made_of)
                _sign(fresh.path)
                shutil.rmtree(self.path, ignore_errors=True)
                fresh.path.rename(self.path)
        except OSError as error:
            raise SdcamError(
                f"{self.path} cannot be written: {error.strerror or error}.",
                "See that the folder is yours and the disk not full.",
            ) from None
        return True

    def remove(self) -> bool:
        """And the permission that macOS gave to it. False when there was none."""
        if not self.path.exists():
            return False
        if shutil.which("tccutil"):  # first: it must still find the app behind the identifier
            call("tccutil", "reset", "Camera", APP_IDENTIFIER)
        shutil.rmtree(self.path)
        if not any(self.path.parent.iterdir()):
            self.path.parent.rmdir()
        return True

    def _is_made_of(self, made_of: str) -> bool:
        try:
            same = self._stamp.read_text() == made_of
        except OSError:
            return False
        return same and call("codesign", "--verify", "--strict", self.path).ok

    def _fill(self, note: str, made_of: str) -> None:
        self.launcher.parent.mkdir(parents=True)
        self._stamp.parent.mkdir()
        (self.path / "Contents" / "Info.plist").write_bytes(_info())
        (self._stamp.parent / "python.txt").write_text(note, encoding="utf-8")
        self._stamp.write_text(made_of)
        compile_launcher(self.launcher)


def compile_launcher(target: Path) -> None:
    """
    Raises:
        SdcamError: the compiler's complaint.
    """
    # The architecture of Python, which may be Intel's on an Apple machine.
    architecture = ["-arch", platform.machine()] if sys.platform == "darwin" else []
    source = resources.launchd("app/launcher.c")
    libraries = ["-ldl"] if sys.platform == "linux" else []
    done = call("cc", "-O2", *architecture, "-o", target, source, *libraries)
    if not done.ok:
        wrong = next((line for line in done.err.splitlines() if "error:" in line), done.said)
        raise SdcamError(
            f"The app's launcher could not be compiled: {wrong}.",
            "`xcode-select --install` puts Apple's compiler right.",
        )


def _check_compiler() -> None:
    # A Mac without its tools still has a `cc`, which does nothing but open a window.
    no_tools = sys.platform == "darwin" and not call("xcode-select", "-p").ok
    if no_tools or shutil.which("cc") is None:
        raise MissingError(
            "There is no C compiler, which makes the app that macOS gives the camera to.",
            "Run `xcode-select --install`, then `sdcam service install` again.",
        )


def _sign(app: Path) -> None:
    done = call(
        "codesign", "--force", "--sign", "-", "--identifier", APP_IDENTIFIER,
        "--requirements", _REQUIREMENT, app,
    )  # fmt: skip
    if not done.ok:
        raise SdcamError(f"The app could not be signed: {done.said}.", "Try again.")


def _info() -> bytes:
    """Info.plist with our version in it."""
    info = plistlib.loads(resources.launchd("app/Info.plist").read_bytes())
    info = {k: __version__ if v == "VERSION" else v for k, v in info.items()}
    return plistlib.dumps(info, sort_keys=False)


def _fingerprint(note: str) -> str:
    parts = (resources.launchd("app/launcher.c").read_bytes(), _info(), note.encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest() + "\n"
