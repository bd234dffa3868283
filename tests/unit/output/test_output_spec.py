"""`open_sink` opens what a user's spec names."""

from __future__ import annotations

import numpy as np
import pytest

from sdcam import output
from sdcam.errors import UsageError
from sdcam.output import Null, open_sink
from sdcam.output.recording import Recording
from sdcam.settings.schema import OutputSettings

SMALL = OutputSettings(width=64, height=64, device="My Cam")


class Opened:
    def __init__(self, device, output):
        self.device = device


def test_null_counts_frames_and_still_wants_them_whole():
    sink = open_sink("null", SMALL)
    assert isinstance(sink, Null)
    for _ in range(3):
        sink.send(np.zeros((96, 64), np.uint8))
    with pytest.raises(ValueError, match=r"shape \(96, 64\)"):
        sink.send(np.zeros((64, 64, 3), np.uint8))
    sink.close()
    assert sink.frames == 3


def test_file_is_a_recording(tmp_path):
    sink = open_sink(f"file:{tmp_path / 'a:b.mp4'}", SMALL)
    sink.close()
    assert isinstance(sink, Recording)
    assert sink.path == tmp_path / "a:b.mp4"


@pytest.mark.parametrize(
    ("text", "device"),
    [("virtual-camera", "My Cam"), ("virtual-camera:Other: Cam", "Other: Cam")],
)
def test_the_virtual_camera_is_that_of_the_settings_unless_named(monkeypatch, text, device):
    monkeypatch.setattr(output, "VirtualCamera", Opened)
    assert open_sink(text, SMALL).device == device


@pytest.mark.parametrize(
    "text", ["", "webcam", "file", "file:", "virtual-camera:", "null:x", "Null", "film.mp4"]
)
def test_unknown_output_lists_the_known_ones(text):
    with pytest.raises(UsageError) as caught:
        open_sink(text, SMALL)
    assert f'"{text}" is not an output' in caught.value.what
    for known in ("virtual-camera", "virtual-camera:DEVICE", "file:PATH.mp4", "null"):
        assert known in caught.value.todo
