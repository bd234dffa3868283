"""A camera through OpenCV's interface, played by a script."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sdcam.capture import CameraDevice, Kind, open_source
from sdcam.capture import camera as camera_module
from sdcam.capture.camera import CameraSource
from sdcam.errors import MissingError, SdcamError
from sdcam.settings.schema import CameraSettings

DEVICE = CameraDevice(
    name="C920", index=0, kind=Kind.USB, node="/dev/video99", formats=("YUYV", "MJPG")
)


class Webcam:
    """Gives `size` whatever it is asked for, then nothing once `frames` are out."""

    def __init__(self, size: tuple[int, int] = (640, 480), frames: int = 1000) -> None:
        self.size = size
        self.frames = frames
        self.asked: list[tuple[int, float]] = []
        self.released = False
        self.timestamp_ms = 0.0
        self.picture: np.ndarray | None = None

    def isOpened(self) -> bool:  # noqa: N802, as OpenCV names it
        return True

    def set(self, key: int, value: float) -> bool:
        self.asked.append((key, value))
        return True

    def get(self, key: int) -> float:
        return {cv2.CAP_PROP_FPS: 30.0, cv2.CAP_PROP_POS_MSEC: self.timestamp_ms}.get(key, 0.0)

    def read(self, out: np.ndarray | None = None) -> tuple[bool, np.ndarray | None]:
        if not self.frames:
            return False, None
        self.frames -= 1
        frame = self.picture
        if frame is None:
            frame = np.full((self.size[1], self.size[0], 3), self.frames % 200, np.uint8)
        if out is None or out.shape != frame.shape:
            return True, frame
        np.copyto(out, frame)
        return True, out

    def release(self) -> None:
        self.released = True


def opened(webcam: Webcam, **settings: Any) -> CameraSource:
    return CameraSource(
        DEVICE, CameraSettings(**settings), open_capture=lambda address, backend: webcam
    )


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module, "_FIRST_FRAME_S", 0.1)
    monkeypatch.setattr(camera_module, "_RETRY_S", 0.001)


def test_info_is_what_the_camera_gives_not_what_was_asked_for() -> None:
    source = opened(Webcam(size=(640, 480)), width=1280, height=720)
    assert (source.info.name, source.info.width, source.info.height) == ("C920", 640, 480)


def test_a_large_picture_is_asked_for_compressed_and_the_format_comes_first() -> None:
    webcam = Webcam()
    opened(webcam, width=1280, height=720, fps=30)
    assert webcam.asked == [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, 1280),
        (cv2.CAP_PROP_FRAME_HEIGHT, 720),
        (cv2.CAP_PROP_FPS, 30),
    ]


def test_a_small_picture_is_asked_for_as_it_comes() -> None:
    webcam = Webcam()
    opened(webcam, width=640, height=480)
    assert cv2.CAP_PROP_FOURCC not in [key for key, _ in webcam.asked]


def test_a_camera_that_goes_silent_is_unplugged() -> None:
    webcam = Webcam(frames=3)
    source = opened(webcam)
    out = np.empty((480, 640, 3), np.uint8)
    source.read(out)
    source.read(out)
    with pytest.raises(SdcamError, match=r'"C920" stopped.*unplugged.*Plug it in again') as caught:
        source.read(out)
    assert caught.value.exit_code == 1
    source.close()
    assert webcam.released


def test_a_camera_that_changes_its_size_still_fills_the_frame() -> None:
    webcam = Webcam()
    source = opened(webcam)
    webcam.size = (320, 240)
    out = np.full((480, 640, 3), 255, np.uint8)
    source.read(out)
    assert (out != 255).all()


@pytest.mark.parametrize(
    ("given", "delivered"),
    [((3840, 2160), (1920, 1080)), ((2592, 1944), (1440, 1080)), ((1080, 1920), (606, 1080))],
)
def test_a_large_camera_is_scaled_to_fit_the_frame_memory(
    given: tuple[int, int], delivered: tuple[int, int]
) -> None:
    source = opened(Webcam(size=given), width=3840, height=2160)
    assert (source.info.width, source.info.height) == delivered
    out = np.full((delivered[1], delivered[0], 3), 255, np.uint8)
    for _ in range(2):
        source.read(out)
        assert out.max() < 255


def test_a_large_picture_is_averaged_not_sampled() -> None:
    """Lines of one pixel become grey: a sampled picture would be black or white."""
    webcam = Webcam(size=(3840, 2160))
    source = opened(webcam)
    lines = np.zeros((2160, 3840, 3), np.uint8)
    lines[:, ::2] = 254
    webcam.picture = lines
    out = np.zeros((1080, 1920, 3), np.uint8)
    source.read(out)
    assert (np.abs(out.astype(int) - 127) <= 1).all()


def test_scaling_a_large_camera_allocates_no_frame() -> None:
    webcam = Webcam(size=(2560, 1440))
    source = opened(webcam)
    webcam.picture = np.zeros((1440, 2560, 3), np.uint8)
    out = np.zeros((1080, 1920, 3), np.uint8)
    source.read(out)
    tracemalloc.start()
    for _ in range(3):
        source.read(out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < out.nbytes // 4


def test_a_camera_is_closed_at_the_end_of_its_with() -> None:
    webcam = Webcam()
    with opened(webcam):
        assert not webcam.released
    assert webcam.released


def test_the_drivers_own_timestamp_is_the_capture_time() -> None:
    webcam = Webcam()
    source = opened(webcam)
    out = np.empty((480, 640, 3), np.uint8)
    now = time.monotonic_ns()
    webcam.timestamp_ms = now / 1e6 - 40
    assert source.read(out) == pytest.approx(now - 40_000_000, abs=1000)
    webcam.timestamp_ms = 12_345.0 + now / 1e6  # by another clock: of no use
    assert abs((source.read(out) or 0) - time.monotonic_ns()) < 1e9


def test_a_failed_open_gives_the_camera_back() -> None:
    webcam = Webcam(frames=0)
    with pytest.raises(MissingError, match=r"C920.*/dev/video99.*No such file"):
        opened(webcam)
    assert webcam.released


def test_missing_camera_is_explained() -> None:
    """With the real OpenCV."""
    with pytest.raises(MissingError, match=r"/dev/video99.*sdcam cameras"):
        CameraSource(DEVICE, CameraSettings())


@pytest.fixture
def node(tmp_path: Path) -> CameraDevice:
    """A camera whose node can be opened, as far as the file system is concerned."""
    path = tmp_path / "video0"
    path.touch()
    return CameraDevice(name="C920", index=0, kind=Kind.USB, node=str(path))


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module.sys, "platform", "linux")


@pytest.mark.usefixtures("linux")
def test_a_busy_camera_names_the_program_that_has_it(
    node: CameraDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_module, "users_of", lambda node: ["zoom (pid 4711)"])
    fault = camera_module.why_no_pictures(node)
    assert isinstance(fault, MissingError)
    assert f'"C920" ({node.node}) is in use by zoom (pid 4711).' in str(fault)


@pytest.mark.usefixtures("linux")
def test_a_forbidden_camera_says_which_group_to_join(
    node: CameraDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(camera_module.os, "open", refuse)
    monkeypatch.setattr(camera_module, "how_to_get_access", lambda node: ("join", "log in"))
    fault = camera_module.why_no_pictures(node)
    assert isinstance(fault, MissingError)
    assert fault.todo == "join, log in"


@pytest.mark.usefixtures("linux")
def test_camera_without_pictures_is_a_fault(node: CameraDevice) -> None:
    fault = camera_module.why_no_pictures(node)
    assert fault.exit_code == 1
    assert "sent no pictures" in str(fault)


def test_no_pictures_on_macos_is_taken_for_a_missing_permission(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(camera_module.sys, "platform", "darwin")
    fault = camera_module.why_no_pictures(DEVICE)
    assert isinstance(fault, MissingError)
    assert "Privacy & Security > Camera" in str(fault)


def test_the_spec_names_the_camera_and_else_the_settings_do(
    monkeypatch: pytest.MonkeyPatch, make_video: Callable[..., Path]
) -> None:
    from sdcam import capture

    there = [
        CameraDevice(name="Front", index=0, kind=Kind.USB, is_auto=True),
        CameraDevice(name="Desk", index=2, kind=Kind.USB),
    ]
    chosen: list[str] = []
    monkeypatch.setattr(capture, "list_cameras", lambda: there)
    monkeypatch.setattr(
        camera_module, "CameraSource", lambda device, camera: chosen.append(device.name)
    )
    open_source("camera", CameraSettings())
    open_source("camera", CameraSettings(device="desk"))
    open_source("camera:2", CameraSettings())
    open_source("camera:front", CameraSettings(device="desk"))
    assert chosen == ["Front", "Desk", "Desk", "Front"]
