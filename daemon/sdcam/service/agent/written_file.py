"""A file of ours among the system's: whole or not at all, and nobody else may write it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from sdcam.errors import SdcamError

_MODE = 0o644  # launchd refuses a plist that group or others may write


def write(path: Path, content: bytes) -> None:
    """
    Raises:
        SdcamError: it cannot be written.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(content)
        fresh.chmod(_MODE)  # whatever the umask is
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise SdcamError(
            f"{path} cannot be written: {error.strerror or error}.",
            "See that the folder is yours and the disk not full.",
        ) from None


def remove(path: Path) -> bool:
    """False when there was none.

    Raises:
        SdcamError: it cannot be removed.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise SdcamError(
            f"{path} cannot be removed: {error.strerror}.", "See that the folder is yours."
        ) from None
    return True
