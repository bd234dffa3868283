"""Puts the collection among those of OBS; what is there stays as it is."""

from __future__ import annotations

import json
from pathlib import Path

from sdcam.atomic_file import atomic_write
from sdcam.errors import MissingError, SdcamError, UsageError
from sdcam.obs.collection import COLLECTION, FILE_NAME


def install(scenes: Path, content: bytes, force: bool = False) -> tuple[Path, bool]:
    """Writes the collection into the folder `scenes`.

    Args:
        force: write over a collection of our name.

    Returns:
        The file, and whether anything was written: False when it is there already.

    Raises:
        MissingError: there is no such folder.
        UsageError: another collection of our name is there.
        SdcamError: the file cannot be written.
    """
    if not scenes.is_dir():
        raise MissingError(f"There is no folder {scenes}.", "Make it, or name another.")
    file = _of_our_name(scenes) or scenes / FILE_NAME
    if file.exists():
        if _content(file) == content:
            return file, False
        if not force:
            raise UsageError(
                f'OBS has a scene collection "{COLLECTION}": {file}.',
                "What you changed in it would be lost; --force writes over it all the same.",
            )
    atomic_write(file, content)
    return file, True


def _of_our_name(scenes: Path) -> Path | None:
    """OBS knows collections by the name in the file, whatever the file is called."""
    for file in sorted(scenes.glob("*.json")):
        try:
            said = json.loads(file.read_bytes())
        except (OSError, ValueError):  # not ours, whatever it is
            continue
        if isinstance(said, dict) and said.get("name") == COLLECTION:
            return file
    return None


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SdcamError(
            f"{file} cannot be read: {error.strerror}.", "See that the file is yours."
        ) from None
