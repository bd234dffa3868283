"""Where the user's own files lie. Light: `sdcam prompt` reads no more than this."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

APP = "streamdiffusion-cam"
ENV_CONFIG = "SDCAM_CONFIG"
ENV_SOCKET = "SDCAM_SERVICE__SOCKET"


def config_file() -> Path:
    """SDCAM_CONFIG, else ~/.config/streamdiffusion-cam/config.toml (on macOS too: it is a file
    that people edit in a terminal)."""
    if named := os.environ.get(ENV_CONFIG):
        return Path(named).expanduser()
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / APP / "config.toml"


def cache_folder() -> Path:
    """What can be made again: measurements, compiled models."""
    return user_cache_path(APP)


def control_socket(setting: str) -> Path:
    """The path behind `service.socket`; "auto" is a folder that only the user can enter."""
    if setting != "auto":
        return Path(setting).expanduser()
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    # Not /tmp: somebody else could be there first.
    return (Path(runtime) / APP if runtime else cache_folder() / "run") / "control.sock"
