"""OBS's own folder: settings, an empty collection, and ours."""

from __future__ import annotations

import json
from pathlib import Path

from sdcam.obs import Feeds, ObsFolder, filled_in, install

_GLOBAL = """[General]
FirstRun=true
LastVersion=486539266
Pre19Defaults=false
Pre21Defaults=false
Pre23Defaults=false
Pre24.1Defaults=false

[OBSWebSocket]
FirstLoad=false
ServerEnabled=true
ServerPort=4455
AlertsEnabled=false
AuthRequired=false
ServerPassword=x

[Basic]
Profile=Untitled
ProfileDir=Untitled
"""
_PROFILE = """[General]
Name=Untitled
[Video]
BaseCX={width}
BaseCY={height}
OutputCX={width}
OutputCY={height}
FPSCommon=10
"""
_EMPTY = {"name": "Empty", "current_scene": "Empty", "scene_order": [{"name": "Empty"}],
          "sources": [{"id": "scene", "name": "Empty", "settings": {"items": []}}]}  # fmt: skip


def furnish(folder: ObsFolder, feeds: Feeds, film: Path | None, canvas: tuple[int, int]) -> None:
    """As OBS and `sdcam obs install` leave it, but for the camera, which plays `film` if any."""
    profile = folder.path / "basic" / "profiles" / "Untitled"
    profile.mkdir(parents=True)
    folder.scenes.mkdir()
    (folder.path / "global.ini").write_text(_GLOBAL)
    (profile / "basic.ini").write_text(_PROFILE.format(width=canvas[0], height=canvas[1]))
    (folder.scenes / "Empty.json").write_text(json.dumps(_EMPTY))
    file, _ = install(folder.scenes, filled_in("linux", feeds, folder.canvas()))
    if film is not None:
        _swap_the_camera(file, film)


def _swap_the_camera(file: Path, film: Path) -> None:
    collection = json.loads(file.read_text())
    camera = next(each for each in collection["sources"] if each["name"] == "Styled camera")
    assert camera["id"] == "v4l2_input"
    camera.update(id="ffmpeg_source", versioned_id="ffmpeg_source")
    camera["settings"] = {"local_file": str(film), "looping": True}
    file.write_text(json.dumps(collection))
