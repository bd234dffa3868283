"""Where OBS keeps its own files, of which it may have been installed twice on Linux."""

from __future__ import annotations

import os
from configparser import ConfigParser, Error
from dataclasses import dataclass
from pathlib import Path

_MACOS = "Library/Application Support/obs-studio"
_FLATPAK = ".var/app/com.obsproject.Studio/config/obs-studio"
_PROCESSES = ("obs", "OBS")  # Linux, macOS
_USER_FILES = ("user.ini", "global.ini")  # OBS 31 and later; before
_CANVAS = (1920, 1080)  # what OBS begins with


@dataclass(frozen=True)
class ObsFolder:
    """One OBS, by the folder that its settings lie in."""

    name: str
    path: Path

    @property
    def scenes(self) -> Path:
        return self.path / "basic" / "scenes"

    def canvas(self) -> tuple[int, int]:
        """Width and height of the canvas of the profile that OBS starts with."""
        for name in _USER_FILES:
            profile = _read(self.path / name).get("Basic", "ProfileDir", fallback="")
            if profile:
                video = _read(self.path / "basic" / "profiles" / profile / "basic.ini")
                try:
                    width = video.getint("Video", "BaseCX", fallback=_CANVAS[0])
                    height = video.getint("Video", "BaseCY", fallback=_CANVAS[1])
                except ValueError:
                    return _CANVAS
                return (width, height) if width > 0 and height > 0 else _CANVAS
        return _CANVAS


def find_obs(system: str, home: Path) -> list[ObsFolder]:
    """Every OBS that has run for this user once; before, it has no folder.

    Args:
        system: "darwin" or "linux".
    """
    if system == "darwin":
        places = [ObsFolder("OBS", home / _MACOS)]
    else:
        config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        places = [
            ObsFolder("OBS", config / "obs-studio"),
            ObsFolder("OBS from Flathub", home / _FLATPAK),
        ]
    return [place for place in places if place.path.is_dir()]


def is_running() -> bool:
    """Whether an OBS of this user runs. It knows the collections that were there when it started,
    and writes the one that is open over its file when it ends."""
    import psutil

    ours = os.getuid()
    return any(
        process.info["name"] in _PROCESSES
        and process.info["uids"]
        and process.info["uids"][1] == ours
        for process in psutil.process_iter(["name", "uids"])
    )


def _read(path: Path) -> ConfigParser:
    """An ini file of OBS (UTF-8, mostly with a byte order mark); empty when there is none."""
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, Error):
        return ConfigParser()
    return parser
