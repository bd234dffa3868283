"""Where the running service listens, found without loading all of the settings: a command that
changes the prompt has a tenth of a second for everything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from sdcam import paths


def socket_address(config: Path | None) -> Path:
    """Environment over file over default, as for every key. A file that is broken just now must
    not keep anybody from asking the service what is wrong: it counts as empty here."""
    setting: Any = os.environ.get(paths.ENV_SOCKET)
    if not setting:
        setting = _in_file(config or paths.config_file())
    try:
        return paths.control_socket(setting if isinstance(setting, str) and setting else "auto")
    except RuntimeError:  # "~nobody/x"
        return paths.control_socket("auto")


def _in_file(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomlkit.parse(text).unwrap().get("service", {}).get("socket")
    except (OSError, TOMLKitError, ValueError, AttributeError, RecursionError):
        return None
