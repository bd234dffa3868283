"""The scene collection, filled in for this machine.

The files of `obs-scene/` can be imported as they are; what differs from machine to machine is put
in here, each by the name of its source.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdcam import resources

COLLECTION = "StreamDiffusion Cam"
FILE_NAME = "StreamDiffusion_Cam.json"  # OBS puts _ for blanks in the names of its files
DRAWN_FOR = 1920, 1080  # the canvas that OBS begins with

_FILES = {"darwin": f"{COLLECTION} (macOS).json", "linux": f"{COLLECTION} (Linux).json"}
_CAMERA = "Styled camera"
_SIDE_BY_SIDE = "Camera and styled picture"
_CAPTION = "Prompt"


@dataclass(frozen=True)
class Feeds:
    """What the sources take."""

    camera: str  # on Linux the node of the virtual camera; macOS knows its own by a fixed id
    caption: Path
    side_by_side: Path


def filled_in(system: str, feeds: Feeds, canvas: tuple[int, int] = DRAWN_FOR) -> bytes:
    """The collection as JSON.

    Args:
        system: "darwin" or "linux".
        canvas: width and height of the picture that OBS composes.
    """
    collection = json.loads(resources.obs_scene(_FILES[system]).read_text(encoding="utf-8"))
    settings = {source["name"]: source["settings"] for source in collection["sources"]}
    if system == "linux":
        settings[_CAMERA]["device_id"] = feeds.camera
    settings[_SIDE_BY_SIDE]["input"] = f"unix:{feeds.side_by_side}"
    settings[_CAPTION]["text_file"] = str(feeds.caption)
    # OBS 31 and later: where things lie follows the canvas from here on, whatever its size becomes.
    collection["resolution"] = {"x": canvas[0], "y": canvas[1]}
    for source in collection["sources"]:
        for item in source["settings"].get("items", ()):
            _fit(item, canvas)
    return json.dumps(collection, indent=4, ensure_ascii=False).encode() + b"\n"


def _fit(item: dict[str, Any], canvas: tuple[int, int]) -> None:
    for key in ("pos", "bounds"):
        item[key]["x"] *= canvas[0] / DRAWN_FOR[0]
        item[key]["y"] *= canvas[1] / DRAWN_FOR[1]
