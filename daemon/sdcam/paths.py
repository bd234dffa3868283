"""Where the user's own files lie. Light: `sdcam prompt` reads no more than this."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sdcam.errors import UsageError

APP = "streamdiffusion-cam"
ENV_CONFIG = "SDCAM_CONFIG"
ENV_SOCKET = "SDCAM_SERVICE__SOCKET"
_RUNTIME_FOLDERS = Path("/run/user")  # Linux, pam_systemd(8)


def config_file() -> Path:
    """SDCAM_CONFIG, else ~/.config/streamdiffusion-cam/config.toml (on macOS too: it is a file
    that people edit in a terminal).

    Raises:
        UsageError: it lies in the home of a user who does not exist.
    """
    named = os.environ.get(ENV_CONFIG)
    path = Path(named or os.environ.get("XDG_CONFIG_HOME") or "~/.config")
    try:
        path = path.expanduser()
    except RuntimeError:
        raise UsageError(
            f"The configuration {path}: there is no such user's home.",
            f"Correct {ENV_CONFIG}, XDG_CONFIG_HOME or HOME.",
        ) from None
    return path if named else path / APP / "config.toml"


def cache_folder() -> Path:
    """What can be made again: measurements, compiled models."""
    from platformdirs import user_cache_path

    return user_cache_path(APP)


def state_folder() -> Path:
    """What has to survive a restart: that the user paused."""
    from platformdirs import user_state_path

    return user_state_path(APP)


def control_socket(setting: str) -> Path:
    """The path behind `service.socket`; "auto" is a folder that only the user can enter."""
    if setting != "auto":
        return Path(setting).expanduser()
    runtime = _runtime_folder()
    # Not /tmp: somebody else could be there first.
    return (runtime / APP if runtime else cache_folder() / "run") / "control.sock"


def _runtime_folder() -> Path | None:
    """The same one for all programs of this user: `su -` and cron leave the variable unset that the
    service was started with."""
    if named := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(named)
    if sys.platform != "linux":
        return None
    usual = _RUNTIME_FOLDERS / str(os.geteuid())
    ours = usual.is_dir() and usual.stat().st_uid == os.geteuid()
    return usual if ours else None


def log_folder() -> Path:
    """~/Library/Logs/streamdiffusion-cam, or ~/.local/state/streamdiffusion-cam/log on Linux."""
    from platformdirs import user_log_path

    return user_log_path(APP)


def log_file(setting: str = "auto") -> Path:
    """The newest file behind `service.log_file`; older ones lie beside it, numbered."""
    return log_folder() / "sdcam.log" if setting == "auto" else Path(setting).expanduser()


def crash_file(setting: str = "auto") -> Path:
    """What processes said on stderr, the tracebacks of crashes among it."""
    return log_file(setting).with_suffix(".stderr")
