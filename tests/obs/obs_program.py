"""A real OBS with a profile of its own, on a screen that nobody sees."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
import obsws_python
from numpy.typing import NDArray
from obs_service import Service
from obs_waiting import end, until

from sdcam.service.obs import COLLECTION, Feeds, ObsFolder, filled_in, install

Pixels = NDArray[np.uint8]

WIDTH, HEIGHT = 640, 360  # of the photographs
CANVAS = 1280, 720
_PATIENCE = 120.0
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
_PROFILE = f"""[General]
Name=Untitled
[Video]
BaseCX={CANVAS[0]}
BaseCY={CANVAS[1]}
OutputCX={CANVAS[0]}
OutputCY={CANVAS[1]}
FPSCommon=20
"""
_EMPTY = {"name": "Empty", "current_scene": "Empty", "scene_order": [{"name": "Empty"}],
          "sources": [{"id": "scene", "name": "Empty", "settings": {"items": []}}]}  # fmt: skip
_COMPLAINT = re.compile(
    r"warn|error|fail|missing|not found|unable|could ?n.t|cannot|invalid|no such|unknown", re.I
)
_LATE = "Remote update of URL"  # of other plugins' data, which need a network, at any moment
_TIME = re.compile(r"^\d\d:\d\d:\d\d\.\d+: ")


class Obs:
    """Runs while entered: first with an empty collection, whose complaints are the machine's, then
    with ours. `client` asks it anything."""

    def __init__(self, service: Service, display: str, pictures: Path) -> None:
        self._service = service
        self._pictures = pictures
        self._folder = ObsFolder("OBS", service.home / ".config" / "obs-studio")
        self._surroundings = service.surroundings | {
            "DISPLAY": display,
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "QT_QPA_PLATFORM": "xcb",
        }
        self.client: Any = None

    def __enter__(self) -> Obs:
        logging.getLogger("obsws_python").setLevel(logging.CRITICAL)  # until OBS listens
        self._furnish()
        words = ["obs", "--multi", "--minimize-to-tray", "--collection", "Empty"]
        with (self._service.home / "obs.out").open("wb") as out:
            self._process = subprocess.Popen(words, env=self._surroundings, stdout=out, stderr=out)
        try:
            until(self._answers, "OBS answers", _PATIENCE)
            self._usual = self._complaints()
            self.client.set_current_scene_collection(COLLECTION)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.client is not None:
            self.client.disconnect()
        end(self._process)
        (self._pictures / "obs.log").write_text("\n".join(self._log_lines()))

    @property
    def new_complaints(self) -> list[str]:
        """What its log says of our collection that it has not said of an empty one."""
        return sorted(self._complaints() - self._usual)

    def show(self, scene: str) -> None:
        self.client.set_current_program_scene(scene)

    def size_of(self, scene: str, source: str) -> tuple[float, float]:
        """Width and height of a source before it is fitted into a scene."""
        item = self.client.get_scene_item_id(scene, source).scene_item_id
        told = self.client.get_scene_item_transform(scene, item).scene_item_transform
        return told["sourceWidth"], told["sourceHeight"]

    def picture(self, source: str) -> Pixels:
        """A scene as OBS composes it, or a single source; BGR (HEIGHT, WIDTH, 3)."""
        told = self.client.get_source_screenshot(source, "png", WIDTH, HEIGHT, -1).image_data
        png = np.frombuffer(base64.b64decode(told.split(",")[1]), np.uint8)
        return np.asarray(cv2.imdecode(png, cv2.IMREAD_COLOR), np.uint8)

    def picture_that(self, source: str, is_so: Callable[[Pixels], bool], what: str) -> Pixels:
        """The first picture of which `is_so`; a failure that names `what` when none comes."""
        taken: list[Pixels] = []

        def found() -> bool:
            taken[:] = [self.picture(source)]
            return is_so(taken[0])

        until(found, f"{source}: {what}")
        return taken[0]

    def keep(self, name: str, picture: Pixels) -> None:
        """For who wants to look at it afterwards."""
        cv2.imwrite(str(self._pictures / f"{name}.png"), picture)

    def _furnish(self) -> None:
        profile = self._folder.path / "basic" / "profiles" / "Untitled"
        profile.mkdir(parents=True)
        self._folder.scenes.mkdir()
        (self._folder.path / "global.ini").write_text(_GLOBAL)
        (profile / "basic.ini").write_text(_PROFILE)
        (self._folder.scenes / "Empty.json").write_text(json.dumps(_EMPTY))
        feeds = Feeds("/dev/video10", self._service.caption, self._service.side_by_side)
        file, _ = install(self._folder.scenes, filled_in("linux", feeds, self._folder.canvas()))
        _swap_the_camera(file, self._service.film)

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._service.home / "obs.out").read_text()
        try:
            if self.client is None:
                self.client = obsws_python.ReqClient(host="127.0.0.1", port=4455, timeout=60)
            self.client.get_scene_list()  # refused until everything is loaded
        except (OSError, obsws_python.error.OBSSDKRequestError):
            return False
        return True

    def _complaints(self) -> set[str]:
        lines = [_TIME.sub("", line) for line in self._log_lines() if _LATE not in line]
        return {line for line in lines if _COMPLAINT.search(line)}

    def _log_lines(self) -> list[str]:
        logs = (self._folder.path / "logs").glob("*.txt")
        return [
            line.strip() for log in logs for line in log.read_text(errors="replace").splitlines()
        ]


def _swap_the_camera(file: Path, film: Path) -> None:
    collection = json.loads(file.read_text())
    camera = next(each for each in collection["sources"] if each["name"] == "Styled camera")
    assert camera["id"] == "v4l2_input"
    camera.update(id="ffmpeg_source", versioned_id="ffmpeg_source")
    camera["settings"] = {"local_file": str(film), "looping": True}
    file.write_text(json.dumps(collection))


@contextmanager
def screen() -> Iterator[str]:
    """The name of a display that software draws."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        [
            *("Xvfb", "-displayfd", str(writing), "-nolisten", "tcp"),
            *("-screen", "0", "1280x800x24", "+extension", "GLX"),
        ],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as numbers:
            number = numbers.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        end(server)
