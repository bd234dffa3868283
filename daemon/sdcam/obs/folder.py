"""The folders in which OBS keeps its settings. Linux may have two: a package and a Flatpak."""

from __future__ import annotations

import os
from configparser import ConfigParser, Error
from dataclasses import dataclass
from pathlib import Path

from sdcam.obs.collection import DEFAULT_CANVAS

_MACOS = "Library/Application Support/obs-studio"
_FLATPAK = ".var/app/com.obsproject.Studio/config/obs-studio"
_PROCESSES = ("obs", "OBS")  # Linux, macOS
_USER_FILES = ("user.ini", "global.ini")  # OBS 31 and newer; older


@dataclass(frozen=True)
class ObsFolder:
    """One OBS, by the folder that holds its settings."""

    name: str
    path: Path

    @property
    def scenes(self) -> Path:
        return self.path / "basic" / "scenes"

    def canvas(self) -> tuple[int, int]:
        """Width and height in pixels of the current profile's canvas."""
        for name in _USER_FILES:
            profile = _read(self.path / name).get("Basic", "ProfileDir", fallback="")
            if profile:
                video = _read(self.path / "basic" / "profiles" / profile / "basic.ini")
                try:
                    width = video.getint("Video", "BaseCX", fallback=DEFAULT_CANVAS[0])
                    height = video.getint("Video", "BaseCY", fallback=DEFAULT_CANVAS[1])
                except ValueError:
                    return DEFAULT_CANVAS
                return (width, height) if width > 0 and height > 0 else DEFAULT_CANVAS
        return DEFAULT_CANVAS


def find_obs(system: str, home: Path) -> list[ObsFolder]:
    """Every OBS that this user has started at least once. OBS makes its folder at that start.

    Args:
        system: "darwin" or "linux".
    """
    if system == "darwin":
        folders = [ObsFolder("OBS", home / _MACOS)]
    else:
        config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        folders = [
            ObsFolder("OBS", config / "obs-studio"),
            ObsFolder("OBS from Flathub", home / _FLATPAK),
        ]
    return [folder for folder in folders if folder.path.is_dir()]


def is_running() -> bool:
    """Whether this user runs OBS. A running OBS does not see a new collection, and overwrites the
    file of the open one when it quits."""
    import psutil

    user = os.getuid()
    return any(
        process.info["name"] in _PROCESSES
        and process.info["uids"]
        and process.info["uids"][1] == user
        for process in psutil.process_iter(["name", "uids"])
    )


def _read(path: Path) -> ConfigParser:
    """An ini file of OBS (UTF-8, usually with a byte order mark). Empty if it cannot be read."""
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, Error):
        return ConfigParser()
    return parser
