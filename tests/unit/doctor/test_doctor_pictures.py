"""`sdcam doctor` looks through the camera: in the service's own capture process."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from doctor_stage import Stage

from sdcam.capture import SourceInfo
from sdcam.doctor import Verdict, camera
from sdcam.doctor.camera import CameraProbe, probe_camera
from sdcam.errors import MissingError
from sdcam.settings import CameraSettings

INFO = SourceInfo("Integrated Camera", 640, 480, 30.0)
CAMERA = CameraSettings(width=320, height=240)


def test_probe_sees_motion():
    look = probe_camera("test", CAMERA, seconds=0.3)
    assert (look.info.width, look.info.height) == (320, 240)
    assert look.moves
    assert not look.black
    assert look.fps > 1


def test_probe_sees_a_black_still(tmp_path):
    path = tmp_path / "black.png"
    cv2.imwrite(str(path), np.zeros((64, 64, 3), np.uint8))
    look = probe_camera(f"image:{path}", CAMERA, seconds=0.2)
    assert (look.black, look.moves) == (True, False)


def test_probe_says_why_a_camera_does_not_open():
    with pytest.raises(MissingError, match="no such camera"):
        probe_camera("camera:There is no such camera", CAMERA)


@pytest.mark.parametrize(
    ("look", "verdict", "said"),
    [
        (CameraProbe(INFO, 29.8, True, False), Verdict.OK, "come: 640x480, 29.8 a second"),
        (CameraProbe(INFO, 29.8, False, True), Verdict.WARNING, "black"),
        (CameraProbe(INFO, 29.8, False, False), Verdict.TROUBLE, "All pictures are the same"),
        (
            CameraProbe(INFO, 7.5, True, False),
            Verdict.WARNING,
            "They come slowly: 7.5 a second of 30",
        ),
    ],
)
def test_verdict_on_pictures(tmp_path, monkeypatch, look, verdict, said):
    stage = Stage(tmp_path, monkeypatch)
    stage.camera(0, "Integrated Camera")
    stage.facts["camera"] = True
    monkeypatch.setattr(camera, "probe_camera", lambda source, camera: look)
    found = stage.finding("pictures")
    assert found.verdict is verdict
    assert said in found.found
