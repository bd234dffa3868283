"""`sdcam run` on a machine whose cameras, virtual camera and sleep are files in $SDCAM_STAGE.

    cameras/video0   a camera is plugged in; the file holds its name and its manner, "C920: moving"
    no-output        while it is there, the virtual camera is gone
    asleep           seconds that the machine has slept
    shown            written: how far each frame that the virtual camera got is from the camera's

Everything else is the real service. Its processes import this module as their main module, so what
is replaced here is replaced in all of them. The cameras see one colour, and a little noise.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import cv2
import numpy as np

from sdcam import capture
from sdcam.capture import CameraDevice, Kind
from sdcam.capture import camera as camera_module
from sdcam.capture.cameras import ready_to_list
from sdcam.errors import MissingError, SdcamError
from sdcam.output import open_sink
from sdcam.service import sleep
from sdcam.workers import sink_process

STAGE = Path(os.environ["SDCAM_STAGE"])
SEEN = (150, 100, 150)  # of middling tones, which every model changes
WIDTH, HEIGHT = 640, 360


class StagedCamera:
    """In place of `cv2.VideoCapture`. Manners: "moving" has a sensor's noise; "frozen" gives the
    same picture for ever; "clinging" does so once it is unplugged (opencv#14044); "silent" is there
    and gives nothing."""

    def __init__(self, node: str, backend: int) -> None:
        self._node = Path(node)
        self._manner = self._asked()
        self._noise = np.random.default_rng(1)
        self._last = np.full((HEIGHT, WIDTH, 3), SEEN, np.uint8)

    def isOpened(self) -> bool:  # noqa: N802, as OpenCV names it
        return self._manner != ""

    def read(self, out: np.ndarray | None = None) -> tuple[bool, np.ndarray | None]:
        manner = self._asked()
        gone = manner == "" or self._manner == "gone"
        if gone and self._manner != "clinging":
            self._manner = "gone"  # what is plugged in later has to be opened anew
            time.sleep(0.01)
            return False, None
        if manner == "silent":
            time.sleep(0.5)
            return False, None
        time.sleep(1 / 30)
        if manner in ("moving", "clinging"):
            self._last[:, 316:324] = self._noise.integers(0, 256, (HEIGHT, 8, 3), np.uint8)
        return True, self._last.copy()

    def set(self, key: int, value: float) -> bool:
        return True

    def get(self, key: int) -> float:
        return 30.0 if key == cv2.CAP_PROP_FPS else 0.0

    def release(self) -> None: ...

    def _asked(self) -> str:
        return _read(self._node).partition(": ")[2]


class StagedOutput:
    """In place of the virtual camera."""

    name = "virtual-camera:staged"
    pixel_format = "BGR"

    def __init__(self) -> None:
        self._refuse_if_gone(MissingError)
        self._shown = (STAGE / "shown").open("a")

    def send(self, frame: np.ndarray) -> None:
        self._refuse_if_gone(SdcamError)
        distance = np.abs(frame[::16, ::16].astype(int) - SEEN).mean()
        print(f"{distance:.1f}", file=self._shown, flush=True)

    def report(self) -> dict[str, float]:
        return {}

    def close(self) -> None:
        self._shown.close()

    def _refuse_if_gone(self, kind: type[SdcamError]) -> None:
        if (STAGE / "no-output").exists():
            raise kind("The virtual camera is gone.", "Bring it back.")


def find_cameras() -> list[CameraDevice]:
    nodes = (STAGE / "cameras").glob("video*")
    return ready_to_list(
        CameraDevice(_read(node).partition(": ")[0], int(node.name[5:]), Kind.USB, str(node))
        for node in nodes
    )


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def _opened(spec, settings):  # type: ignore[no-untyped-def]
    return StagedOutput() if spec.startswith("virtual-camera") else open_sink(spec, settings)


capture.list_cameras = camera_module.list_cameras = find_cameras
camera_module.CameraSource.__init__.__defaults__ = (StagedCamera,)
sink_process.open_sink = _opened
sleep._clocks = lambda: (
    lambda: time.monotonic() + float(_read(STAGE / "asleep") or 0),
    time.monotonic,
)

if __name__ == "__main__":
    import sys

    from sdcam.cli import main

    raise SystemExit(main(["run", *sys.argv[1:]]))
