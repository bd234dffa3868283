"""A real OBS with a profile of its own, on a screen that nobody sees."""

from __future__ import annotations

import base64
import logging
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
import obsws_python
from numpy.typing import NDArray
from obs_profile import furnish
from obs_service import Service
from obs_waiting import end, until

from sdcam.obs import COLLECTION, ObsFolder

Pixels = NDArray[np.uint8]

WIDTH, HEIGHT = 640, 360  # of the photographs
_PATIENCE = 300.0  # until it has started, also in an emulator
_COMPLAINT = re.compile(
    r"warn|error|fail|missing|not found|unable|could ?n.t|cannot|invalid|no such|unknown", re.I
)
_LATE = "Remote update of URL"  # of other plugins' data, which need a network, at any moment
_TIME = re.compile(r"^\d\d:\d\d:\d\d\.\d+: ")


class Obs:
    """Runs while entered: first with an empty collection, whose complaints are the machine's, then
    with ours. `client` asks it anything."""

    def __init__(
        self, service: Service, display: str, pictures: Path, canvas: tuple[int, int]
    ) -> None:
        self._service = service
        self._pictures = pictures
        self._canvas = canvas
        self._folder = ObsFolder("OBS", service.home / ".config" / "obs-studio")
        self._surroundings = service.surroundings | {
            "DISPLAY": display,
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "QT_QPA_PLATFORM": "xcb",
        }
        self.client: Any = None

    def __enter__(self) -> Obs:
        logging.getLogger("obsws_python").setLevel(logging.CRITICAL)  # until OBS listens
        furnish(self._folder, self._service.feeds, self._service.film, self._canvas)
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

    def log_that(self, contains: str) -> None:
        """Waits for a line in its log."""
        until(lambda: any(contains in line for line in self._log_lines()), contains)

    def keep(self, name: str, picture: Pixels) -> None:
        """For who wants to look at it afterwards."""
        cv2.imwrite(str(self._pictures / f"{name}.png"), picture)

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
