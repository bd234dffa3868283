"""The loopback device is found by the name that apps show, or its absence is explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdcam import resources
from sdcam.errors import MissingError
from sdcam.output import loopback as module
from sdcam.output.loopback import explain_refusal, find_loopback, leave, make_ready
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


def test_the_manual_loads_the_driver_as_the_service_has_it_loaded():
    manual = (Path(__file__).parents[3] / "docs" / "output.md").read_text()
    shipped = resources.launchd("v4l2loopback.modprobe.conf").read_text().splitlines()[-1]
    assert f"sudo {shipped.replace('options', 'modprobe')}\n" in manual
    assert f"echo '{shipped}' | sudo tee /etc/modprobe.d/streamdiffusion-cam.conf\n" in manual


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


@pytest.fixture
def device(monkeypatch):
    """A v4l2loopback; it has no version, as those that miss their writers' end."""

    class Device:
        state = State.FREE
        kept = ""
        programs = ()
        freed = False

        def free(self, node):
            self.freed = True

    one = Device()
    monkeypatch.setattr(module, "query_state", lambda node: one.state)
    monkeypatch.setattr(module, "real_state", lambda node, sys_root: one.state)
    monkeypatch.setattr(module, "kept_format", lambda node, width, height: one.kept)
    monkeypatch.setattr(module, "holders", lambda node: list(one.programs))
    monkeypatch.setattr(module, "free", one.free)
    return one


@pytest.mark.parametrize("state", [State.FREE, State.BOTH])
def test_a_device_that_waits_for_a_writer_is_left_as_it_is(device, linux, state):
    device.state = state
    make_ready("/dev/video9", 640, 360, linux)
    assert not device.freed


def test_a_device_that_missed_its_writers_end_is_freed(device, linux):
    device.state = State.STUCK
    make_ready("/dev/video9", 640, 360, linux)
    assert device.freed


def test_a_device_that_another_program_feeds_is_left_to_it_and_it_is_named(device, linux):
    device.state, device.programs = State.WRITTEN, ["obs (pid 4711)"]
    with pytest.raises(MissingError) as caught:
        make_ready("/dev/video9", 640, 360, linux)
    assert caught.value.what == "Another program writes to /dev/video9: obs (pid 4711)."
    assert "Close it" in caught.value.todo
    assert not device.freed


def test_who_feeds_it_may_be_another_user_or_have_been_killed(device, linux):
    device.state = State.WRITTEN
    with pytest.raises(MissingError, match=r"Another program writes to /dev/video9\.") as caught:
        make_ready("/dev/video9", 640, 360, linux)
    assert "sudo fuser -v /dev/video9" in caught.value.todo
    assert "sudo modprobe -r v4l2loopback && " in caught.value.todo


def test_an_app_that_keeps_another_size_is_named(device, linux):
    device.state, device.kept, device.programs = State.BOTH, "640x480 YU12", ["zoom (pid 4711)"]
    with pytest.raises(MissingError) as caught:
        make_ready("/dev/video9", 640, 360, linux)
    assert "keeps to 640x480 YU12 as long as an app shows it: zoom (pid 4711)." in caught.value.what
    assert "takes 640x360 when the camera is closed there" in caught.value.todo


def test_a_real_camera_is_no_virtual_one(device, linux):
    device.state = State.ANOTHER
    with pytest.raises(MissingError, match="is a camera"):
        make_ready("/dev/video9", 640, 360, linux)


def test_a_device_that_cannot_be_asked_is_for_the_next_to_explain(linux):
    make_ready("/dev/video77", 640, 360, linux)
    leave("/dev/video77", linux)


@pytest.mark.parametrize("state", [State.STUCK, State.WRITTEN])
def test_who_leaves_says_so_where_the_driver_does_not_notice(device, linux, state):
    device.state = state
    leave("/dev/video9", linux)
    assert device.freed


def test_a_newer_driver_notices_by_itself_who_leaves(device, linux):
    (linux / "module" / "v4l2loopback" / "version").write_text("0.13.2\n")
    device.state = State.STUCK
    leave("/dev/video9", linux)
    assert not device.freed
