"""Where the service's log lies: where the system keeps the logs of a user's programs."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_log_path

from sdcam.paths import APP


def log_folder() -> Path:
    """~/Library/Logs/streamdiffusion-cam, or ~/.local/state/streamdiffusion-cam/log on Linux."""
    return user_log_path(APP)


def log_file(setting: str = "auto") -> Path:
    """The newest file behind `service.log_file`; older ones lie beside it, numbered."""
    return log_folder() / "sdcam.log" if setting == "auto" else Path(setting).expanduser()


def crash_file(setting: str = "auto") -> Path:
    """What processes said on stderr, the tracebacks of crashes among it."""
    return log_file(setting).with_suffix(".stderr")
