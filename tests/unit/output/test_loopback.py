"""The loopback device is found by the name that apps show, or its absence is explained."""

from __future__ import annotations

import pytest

from sdcam.errors import MissingError
from sdcam.output import loopback as module
from sdcam.output.loopback import explain_refusal, find_loopback
from sdcam.output.loopback_state import State


def test_a_device_is_found_by_its_label_the_lowest_number_first(linux):
    assert find_loopback("StreamDiffusion Cam", linux) == "/dev/video9"
    assert find_loopback("OBS", linux) == "/dev/video11"


def test_a_node_is_taken_as_it_is(linux):
    assert find_loopback("/dev/video10", linux) == "/dev/video10"


def test_a_node_that_does_not_exist_is_explained(linux):
    with pytest.raises(MissingError, match=r"/dev/video77 does not exist"):
        find_loopback("/dev/video77", linux)


def test_a_driver_that_is_not_there_comes_with_the_commands(tmp_path):
    with pytest.raises(MissingError, match='There is no virtual camera "StreamDiff') as caught:
        find_loopback("StreamDiffusion Cam", tmp_path)
    assert "sudo apt install v4l2loopback-dkms" in caught.value.todo
    load = 'sudo modprobe v4l2loopback exclusive_caps=1 card_label="StreamDiffusion Cam"'
    assert load in caught.value.todo


def test_a_driver_with_other_labels_is_loaded_again(linux):
    with pytest.raises(MissingError) as caught:
        find_loopback("My Cam", linux)
    assert "sudo modprobe -r v4l2loopback && sudo modprobe v4l2loopback" in caught.value.todo
    assert 'card_label="My Cam"' in caught.value.todo


@pytest.mark.parametrize(
    ("said", "what", "todo"),
    [
        ("Could not access /dev/video9 due to missing permissions.", "not be written", "usermod"),
        (
            "Virtual camera device /dev/video9 could not be configured: Device or resource busy",
            "Another program",
            "fuser -v /dev/video9",
        ),
        ("Device /dev/video9 is already in use.", "Another program", "fuser"),
        ("Device /dev/video9 is not a video output device.", "is a camera", "name"),
        ("Device /dev/video9 is not a V4L2 device.", "is a camera", "name"),
        ("Unsupported image format.", "Unsupported image format", "modprobe -r"),
    ],
)
def test_every_refusal_of_pyvirtualcam_says_what_to_do(said, what, todo):
    error = explain_refusal("/dev/video9", said)
    assert "/dev/video9" in error.what
    assert what in error.what
    assert todo in error.todo


NO_OUTPUT = "Device /dev/video9 is not a video output device."


def test_a_device_that_is_fed_calls_itself_a_camera_and_who_feeds_it_is_named(monkeypatch):
    monkeypatch.setattr(module, "query_state", lambda node: State.WRITTEN)
    monkeypatch.setattr(module, "holders", lambda node: ["obs (pid 4711)"])
    error = explain_refusal("/dev/video9", NO_OUTPUT)
    assert error.what == "Another program writes to /dev/video9: obs (pid 4711)."
    assert "Close it" in error.todo


def test_who_feeds_it_may_be_another_user_or_gone(monkeypatch):
    monkeypatch.setattr(module, "query_state", lambda node: State.WRITTEN)
    monkeypatch.setattr(module, "holders", lambda node: [])
    error = explain_refusal("/dev/video9", NO_OUTPUT)
    assert error.what == "Another program writes to /dev/video9."
    assert "sudo fuser -v /dev/video9" in error.todo
    assert "sudo modprobe -r v4l2loopback && " in error.todo


def test_a_real_camera_is_no_device_that_somebody_feeds(monkeypatch):
    monkeypatch.setattr(module, "query_state", lambda node: State.ANOTHER)
    monkeypatch.setattr(module, "holders", lambda node: ["zoom (pid 4711)"])
    assert "is a camera" in explain_refusal("/dev/video9", NO_OUTPUT).what
