"""What the doctor looks at: files, programs, devices, packages; everything a test may stage."""

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

from sdcam.capture.cameras import CameraDevice
from sdcam.capture.cameras.v4l2 import Capability, query_capability
from sdcam.errors import SdcamError
from sdcam.install.authorization import Authorization, camera_authorization
from sdcam.install.tool import Outcome, call
from sdcam.output.loopback_state import State, real_state
from sdcam.settings import ConfigError, Settings

_CAMERAS_SECONDS = 20.0  # system_profiler on a Mac that has just woken up
# Where the system's own programs lie that an ordinary user's PATH may lack.
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
class World:
    """
    Attributes:
        config: the configuration file, None for the usual one.
        camera: whether the camera may be opened.
        deep: whether models are read to their last byte.
        root: what "/" is for /sys, /proc, /dev, /lib, /etc and /Applications.
        patience: seconds for a program of the system that has no reason to take long.
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
    query: Callable[[str], Capability] = query_capability
    loopback_state: Callable[[str], State] = real_state
    may_use: Callable[[Path], bool] = _may_use
    version: Callable[[str], str | None] = _version
    requirements: Callable[[], list[str]] = _requirements
    free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
    authorization: Callable[[], Authorization] = camera_authorization

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def text(self, path: str) -> str:
        """Of a small file; empty where it cannot be read."""
        try:
            return self.at(path).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return ""

    def run(self, name: str, *words: str | Path, seconds: float | None = None) -> Outcome | None:
        """A program of the system; None where there is no such program.

        Raises:
            SdcamError: it does not end in time.
        """
        folders = [os.environ.get("PATH", os.defpath), *(self.at(f) for f in _SYSTEM_FOLDERS)]
        path = os.pathsep.join(str(folder) for folder in folders)
        found = shutil.which(name, path=path)
        return None if found is None else call(found, *words, seconds=seconds or self.patience)

    @cached_property
    def settings(self) -> Settings:
        """Those in force; the defaults where the configuration is wrong."""
        settings = self.settings_or_mistakes
        return Settings() if isinstance(settings, ConfigError) else settings

    @cached_property
    def settings_or_mistakes(self) -> Settings | ConfigError:
        from sdcam.settings import load

        try:
            return load(self.config)
        except ConfigError as error:
            return error

    @cached_property
    def cameras(self) -> list[CameraDevice]:
        """As `sdcam cameras` lists them.

        Raises:
            SdcamError: the system does not tell.
        """
        from sdcam.capture.cameras import linux, macos
        from sdcam.capture.cameras.device import ready_to_list

        if self.platform == "linux":
            found = linux.find_cameras(self.at("/sys/class/video4linux"), self.query)
            return ready_to_list(found)
        words = ("SPCameraDataType", "-json")
        told = self.run("system_profiler", *words, seconds=_CAMERAS_SECONDS)
        if told is None or not told.ok:
            raise SdcamError("macOS did not list its cameras.", "Try: system_profiler " + words[0])
        return ready_to_list(macos.read_report(told.out))

    @cached_property
    def status(self) -> dict[str, Any] | SdcamError:
        """Of the running service; MissingError where none runs."""
        from sdcam.control.client import ask, socket_address

        try:
            told = ask(socket_address(self.config), "status")
        except SdcamError as error:
            return error
        return told if isinstance(told, dict) else SdcamError("The service gave no status.")

    @property
    def our_pids(self) -> set[int]:
        """The processes of the running service, and this one."""
        pids = {os.getpid()}
        if isinstance(self.status, dict):
            pids |= {int(p["pid"]) for p in (self.status.get("processes") or {}).values()}
        return pids

    def others_with(self, node: str) -> list[str]:
        """Programs that have a device open and are not ours, as "zoom (pid 4711)"."""
        from sdcam.capture.cameras.holders import holders

        ours = tuple(f"(pid {pid})" for pid in self.our_pids)
        return [who for who in holders(node, self.at("/proc")) if not who.endswith(ours)]
