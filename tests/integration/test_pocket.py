"""The real service with the embedded model: the written video is styled and follows the prompt."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sdcam import resources
from video import frames_of


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    """A frame of the demo clip, and the part of it that an output of 16:9 shows."""
    path = tmp_path_factory.mktemp("still") / "still.png"
    frame = cv2.VideoCapture(str(resources.demo_clip())).read()[1]
    cv2.imwrite(str(path), frame)
    return path, cv2.resize(frame, (160, 90), interpolation=cv2.INTER_AREA).astype(int)


def last_frame(sdcam, tmp_path, still, prompt, *words):
    """What the film shows when the picture has settled, 160x90."""
    done = sdcam("run", "--source", f"image:{still}", "--output", "file:out.mp4", "--frames", "20",
                 "--prompt", prompt, *words, SDCAM_MODEL__NAME="pocket",
                 SDCAM_MODEL__RENDER_SIZE="320x192")  # fmt: skip
    assert done.returncode == 0, done.stderr
    frames = frames_of(tmp_path / "out.mp4")
    assert len(frames) == 20
    return cv2.resize(frames[-1], (160, 90), interpolation=cv2.INTER_AREA).astype(int)


def test_the_picture_is_styled_and_follows_the_prompt(sdcam, tmp_path, still):
    path, camera = still
    pencil = last_frame(sdcam, tmp_path, path, "pencil")
    neon = last_frame(sdcam, tmp_path, path, "cyberpunk")
    for styled in (pencil, neon):
        assert np.abs(styled - camera).mean() > 15
    assert np.abs(pencil - neon).mean() > 25
    # What the words say: a pencil has no colour, a neon night is dark and magenta.
    assert np.ptp(pencil, axis=2).mean() < 0.5 * np.ptp(camera, axis=2).mean()
    blue, green, red = neon.reshape(-1, 3).mean(0)
    assert min(blue, red) > green
    assert neon.mean() < pencil.mean()


def test_strength_zero_is_near_the_camera(sdcam, tmp_path, still):
    path, camera = still
    plain = last_frame(sdcam, tmp_path, path, "cyberpunk", "--set", "look.strength=0")
    # The wide picture of the model (5:3) fills 16:9 and loses a strip above and below.
    assert np.abs(plain[10:-10] - camera[10:-10]).mean() < 20
