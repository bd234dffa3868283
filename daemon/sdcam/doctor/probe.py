"""What the doctor asks the machine. Each answer can be staged by a test; by default it comes from
the functions that the service itself uses."""

from __future__ import annotations

import os
import platform as this_system
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from sdcam.capture import CameraDevice, list_cameras
from sdcam.errors import SdcamError
from sdcam.platforms import read_text
from sdcam.platforms.avfoundation import Authorization, camera_authorization
from sdcam.platforms.device_users import users_of
from sdcam.platforms.loopback import LoopbackState, real_state
from sdcam.platforms.macos import macos_version
from sdcam.platforms.tool import Outcome, call
from sdcam.settings import ConfigError, Settings, load

# The system's own programs that are missing in an ordinary user's PATH.
_SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")


def _may_use(path: Path) -> bool:
    return os.access(path, os.R_OK | os.W_OK)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _requirements() -> list[str]:
    return metadata.requires("streamdiffusion-cam") or []


@dataclass(frozen=True)
class HostProbe:
    """
    Attributes:
        config: the configuration file; None for the default one.
        camera: whether the camera may be opened.
        deep: whether models are read to their last byte.
        root: stands for "/" in /sys, /proc, /dev, /lib, /etc and /Applications.
        patience: seconds for a tool of the system that normally answers at once.
        version: of an installed Python package; None if it is not installed.
        requirements: of our own package, as PEP 508 has them.
    """

    config: Path | None = None
    camera: bool = True
    deep: bool = False
    platform: str = sys.platform
    machine: str = this_system.machine()
    kernel: str = this_system.release()
    python: tuple[int, ...] = tuple(sys.version_info[:3])
    root: Path = Path("/")
    patience: float = 4.0
    list_cameras: Callable[[], list[CameraDevice]] = list_cameras
    loopback_state: Callable[[str], LoopbackState] = real_state
    macos_version: Callable[[], str] = macos_version
    authorization: Callable[[], Authorization] = camera_authorization
    may_use: Callable[[Path], bool] = _may_use
    version: Callable[[str], str | None] = _version
    requirements: Callable[[], list[str]] = _requirements
    free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def text(self, path: str) -> str:
        """Content of a small file; empty if it cannot be read."""
        return read_text(self.at(path))

    def run(self, name: str, *words: str | Path, seconds: float | None = None) -> Outcome | None:
        """Runs a tool of the system; None if there is no such program.

        Raises:
            SdcamError: it does not end in time.
        """
        folders = [os.environ.get("PATH", os.defpath), *(self.at(f) for f in _SYSTEM_FOLDERS)]
        path = os.pathsep.join(str(folder) for folder in folders)
        found = shutil.which(name, path=path)
        return None if found is None else call(found, *words, seconds=seconds or self.patience)

    def output(self, name: str, *words: str) -> str:
        """What a tool prints; "" if there is no such program or it fails."""
        done = self.run(name, *words)
        return done.out.strip() if done is not None and done.ok else ""

    @cached_property
    def settings(self) -> Settings:
        """The settings in force; the defaults if the configuration is wrong."""
        loaded = self.settings_or_error
        return Settings() if isinstance(loaded, ConfigError) else loaded

    @cached_property
    def settings_or_error(self) -> Settings | ConfigError:
        try:
            return load(self.config)
        except ConfigError as error:
            return error

    @cached_property
    def cameras(self) -> list[CameraDevice]:
        """As `sdcam cameras` lists them.

        Raises:
            SdcamError: the system does not list them.
        """
        return self.list_cameras()

    @cached_property
    def status(self) -> dict[str, Any] | SdcamError:
        """Of the running service; MissingError if none runs."""
        from sdcam.control.client import ask, socket_address

        try:
            status = ask(socket_address(self.config), "status")
        except SdcamError as error:
            return error
        return status if isinstance(status, dict) else SdcamError("The service gave no status.")

    def other_users(self, node: str) -> list[str]:
        """Programs other than the service that have a device open, as "zoom (pid 4711)"."""
        ours = {os.getpid()}
        if isinstance(self.status, dict):
            ours |= {int(p["pid"]) for p in (self.status.get("processes") or {}).values()}
        return users_of(node, self.at("/proc"), without=ours)
