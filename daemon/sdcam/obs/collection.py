"""The scene collection: filled in for this machine, and put into OBS's folder.

The files in `obs-scene/` can be imported as they are. What differs from machine to machine is
filled in here, by the names of the sources.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdcam import resources
from sdcam.atomic_file import atomic_write
from sdcam.errors import MissingError, SdcamError, UsageError

COLLECTION = "StreamDiffusion Cam"
DEFAULT_CANVAS = 1920, 1080  # of a new OBS profile; the files in `obs-scene/` are drawn for it

_FILE_NAME = "StreamDiffusion_Cam.json"  # OBS writes _ for a blank in a file name
_FILES = {"darwin": f"{COLLECTION} (macOS).json", "linux": f"{COLLECTION} (Linux).json"}
_CAMERA = "Styled camera"
_SIDE_BY_SIDE = "Camera and styled picture"
_CAPTION = "Prompt"


@dataclass(frozen=True)
class Feeds:
    """What the sources of the collection open."""

    camera: str  # Linux: the node of the virtual camera. macOS finds its own by a fixed id.
    caption: Path
    side_by_side: Path


def filled_in(system: str, feeds: Feeds, canvas: tuple[int, int] = DEFAULT_CANVAS) -> bytes:
    """The collection as JSON.

    Args:
        system: "darwin" or "linux".
        canvas: width and height in pixels of the picture that OBS composes.
    """
    collection = json.loads(resources.obs_scene(_FILES[system]).read_text(encoding="utf-8"))
    settings = {source["name"]: source["settings"] for source in collection["sources"]}
    if system == "linux":
        settings[_CAMERA]["device_id"] = feeds.camera
    settings[_SIDE_BY_SIDE]["input"] = f"unix:{feeds.side_by_side}"
    settings[_CAPTION]["text_file"] = str(feeds.caption)
    # OBS 31 and newer scale all positions with the canvas, starting from this size.
    collection["resolution"] = {"x": canvas[0], "y": canvas[1]}
    for source in collection["sources"]:
        for item in source["settings"].get("items", ()):
            _scale(item, canvas)
    return json.dumps(collection, indent=4, ensure_ascii=False).encode() + b"\n"


def install(scenes: Path, content: bytes, force: bool = False) -> tuple[Path, bool]:
    """Writes the collection into the folder `scenes`.

    Args:
        force: replace a different collection of our name.

    Returns:
        The file, and whether it was written: False when it has this content already.

    Raises:
        MissingError: there is no such folder.
        UsageError: a different collection of our name is there.
        SdcamError: the file cannot be read or written.
    """
    if not scenes.is_dir():
        raise MissingError(f"There is no folder {scenes}.", "Create it, or name another folder.")
    file = _of_our_name(scenes) or scenes / _FILE_NAME
    if file.exists():
        if _read(file) == content:
            return file, False
        if not force:
            raise UsageError(
                f'OBS has a scene collection "{COLLECTION}": {file}.',
                "Your changes in it would be lost. `--force` replaces it.",
            )
    atomic_write(file, content)
    return file, True


def _scale(item: dict[str, Any], canvas: tuple[int, int]) -> None:
    for key in ("pos", "bounds"):
        item[key]["x"] *= canvas[0] / DEFAULT_CANVAS[0]
        item[key]["y"] *= canvas[1] / DEFAULT_CANVAS[1]


def _of_our_name(scenes: Path) -> Path | None:
    """OBS identifies a collection by the name in the file, not by the file's name."""
    for file in sorted(scenes.glob("*.json")):
        try:
            content = json.loads(file.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(content, dict) and content.get("name") == COLLECTION:
            return file
    return None


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SdcamError(
            f"{file} cannot be read: {error.strerror}.", "Check that the file is yours."
        ) from None
