"""Every source keeps the protocol: size, pace, writing in place, capture times."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from sdcam.capture import CameraDevice, Kind, Source, open_source
from sdcam.capture.camera import CameraSource
from sdcam.errors import SdcamError, UsageError
from sdcam.settings.schema import CameraSettings

SETTINGS = CameraSettings(width=320, height=180, fps=100)
KINDS = ["camera", "file", "turned file", "odd file", "image", "test"]


@pytest.fixture(params=KINDS)
def source(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    make_video: Callable[..., Path],
    ffmpeg: Callable[..., None],
) -> Iterator[Source]:
    kind = request.param
    if kind == "camera":
        # OpenCV's own class, with a long video behind it in place of a device.
        video = make_video(frames=200)
        device = CameraDevice(name="Fake", index=0, kind=Kind.USB, node="/dev/video0")
        opened: Source = CameraSource(
            device, SETTINGS, open_capture=lambda address, backend: cv2.VideoCapture(str(video))
        )
    elif kind == "file":
        opened = open_source(f"file:{make_video()}", SETTINGS)
    elif kind == "turned file":
        turned = tmp_path / "turned.mp4"
        ffmpeg("-display_rotation", "90", "-i", make_video(), "-c", "copy", turned)
        opened = open_source(f"file:{turned}", SETTINGS)
    elif kind == "odd file":
        odd = tmp_path / "odd.avi"
        ffmpeg("-i", make_video(), "-vf", "scale=65:47", "-c:v", "ffv1", odd)
        opened = open_source(f"file:{odd}", SETTINGS)
    elif kind == "image":
        still = tmp_path / "still.png"
        cv2.imwrite(str(still), np.full((48, 64, 3), 90, np.uint8))
        opened = open_source(f"image:{still}", SETTINGS)
    else:
        opened = open_source("test", SETTINGS)
    yield opened
    opened.close()


def frame_for(source: Source) -> np.ndarray:
    return np.full((source.info.height, source.info.width, 3), 201, np.uint8)


def test_info_is_a_named_even_size_at_the_nominal_rate(source: Source) -> None:
    assert source.info.name
    assert source.info.width > 0 and source.info.width % 2 == 0
    assert source.info.height > 0 and source.info.height % 2 == 0
    assert source.info.fps == 100


def test_read_changes_the_memory_of_out_and_no_other(source: Source) -> None:
    slots = np.full((3, source.info.height, source.info.width, 3), 201, np.uint8)
    address = slots[1].ctypes.data
    source.read(slots[1])
    assert slots.ctypes.data + slots[0].nbytes == address
    assert (slots[1] != 201).any()
    assert (slots[0] == 201).all() and (slots[2] == 201).all()


def test_capture_times_are_fresh_and_rising(source: Source) -> None:
    out = frame_for(source)
    before = time.monotonic_ns()
    times = [source.read(out) for _ in range(5)]
    after = time.monotonic_ns()
    assert all(isinstance(t, int) for t in times)
    assert times == sorted(set(times))
    assert before <= times[0] and times[-1] <= after


def test_the_steady_state_allocates_no_frames(source: Source) -> None:
    out = frame_for(source)
    for _ in range(15):  # over the end of the short video: starting over is steady state too
        source.read(out)
    tracemalloc.start()
    for _ in range(15):
        source.read(out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < min(out.nbytes, 8192)


@pytest.mark.parametrize("source", [k for k in KINDS if k != "camera"], indirect=True)
def test_frames_come_at_the_nominal_rate(source: Source) -> None:
    out = frame_for(source)
    begin = source.read(out)
    end = begin
    for _ in range(20):
        end = source.read(out)
    # 20 frames at 100 fps are 0.2 s; never sooner, and later only on a very busy machine.
    assert 0.19 < (end - begin) / 1e9 < 3


@pytest.mark.parametrize(
    "spec", ["", "webcam", "file", "file:", "image", "image: ", "test:3", "http://example.org/a"]
)
def test_a_bad_spec_lists_the_valid_ones(spec: str) -> None:
    with pytest.raises(UsageError, match=r"camera:NAME.*file:PATH.*image:PATH.*test"):
        open_source(spec, SETTINGS)


def test_an_error_is_one_sentence_and_what_to_do() -> None:
    with pytest.raises(SdcamError) as caught:
        open_source("image:/no/such/picture.png", SETTINGS)
    assert caught.value.exit_code == 3
    assert str(caught.value) == (
        'There is no file "/no/such/picture.png". Check the path of the image.'
    )
