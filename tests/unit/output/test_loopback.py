"""A loopback device is made ready, given back, and every refusal is explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdcam import resources
from sdcam.errors import MissingError
from sdcam.output import loopback as module
from sdcam.output.loopback import LoopbackDriver, explain_refusal, make_ready
from sdcam.platforms.loopback import LoopbackState


def test_the_manual_loads_the_driver_as_the_service_has_it_loaded():
    manual = (Path(__file__).parents[3] / "docs" / "output.md").read_text()
    shipped = resources.launchd("v4l2loopback.modprobe.conf").read_text().splitlines()[-1]
    assert f"sudo {shipped.replace('options', 'modprobe')}\n" in manual
    assert f"echo '{shipped}' | sudo tee /etc/modprobe.d/streamdiffusion-cam.conf\n" in manual


@pytest.mark.parametrize(
    ("said", "what", "todo"),
    [
        ("Could not access /dev/video9 due to missing permissions.", "may not write", "usermod"),
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
    """A v4l2loopback without a version, as those that do not notice a closed writer."""

    class Device:
        state = LoopbackState.FREE
        kept = ""
        programs = ()
        freed = False

        def free(self, node):
            self.freed = True

    one = Device()
    monkeypatch.setattr(module, "query_state", lambda node: one.state)
    monkeypatch.setattr(module, "real_state", lambda node, sys_root: one.state)
    monkeypatch.setattr(module, "kept_format", lambda node, width, height: one.kept)
    monkeypatch.setattr(module, "users_of", lambda node: list(one.programs))
    monkeypatch.setattr(module, "free", one.free)
    return one


@pytest.mark.parametrize("state", [LoopbackState.FREE, LoopbackState.BOTH])
def test_free_device_is_left_alone(device, linux, state):
    device.state = state
    make_ready("/dev/video9", 640, 360, linux)
    assert not device.freed


def test_stuck_device_is_freed_before_opening(device, linux):
    device.state = LoopbackState.STUCK
    make_ready("/dev/video9", 640, 360, linux)
    assert device.freed


def test_other_writer_is_named_and_not_disturbed(device, linux):
    device.state, device.programs = LoopbackState.WRITTEN, ["obs (pid 4711)"]
    with pytest.raises(MissingError) as caught:
        make_ready("/dev/video9", 640, 360, linux)
    assert caught.value.what == "Another program writes to /dev/video9: obs (pid 4711)."
    assert "Close it" in caught.value.todo
    assert not device.freed


def test_unknown_writer_is_explained_with_fuser_and_reload(device, linux):
    device.state = LoopbackState.WRITTEN
    with pytest.raises(MissingError, match=r"Another program writes to /dev/video9\.") as caught:
        make_ready("/dev/video9", 640, 360, linux)
    assert "sudo fuser -v /dev/video9" in caught.value.todo
    assert "sudo modprobe -r v4l2loopback && " in caught.value.todo


def test_app_that_keeps_another_format_is_named(device, linux):
    device.state, device.kept, device.programs = (
        LoopbackState.BOTH,
        "640x480 YU12",
        ["zoom (pid 4711)"],
    )
    with pytest.raises(MissingError) as caught:
        make_ready("/dev/video9", 640, 360, linux)
    assert "keeps 640x480 YU12 as long as an app shows it: zoom (pid 4711)." in caught.value.what
    assert "takes 640x360 when that app closes the camera" in caught.value.todo


def test_real_camera_is_refused_as_output(device, linux):
    device.state = LoopbackState.ANOTHER
    with pytest.raises(MissingError, match="is a camera"):
        make_ready("/dev/video9", 640, 360, linux)


def left(node, sys_root):
    """A writer that is about to end."""
    driver = LoopbackDriver.__new__(LoopbackDriver)
    driver.device, driver._sys_root = node, sys_root
    driver.left()


def test_device_that_cannot_be_queried_is_left_to_the_open(linux):
    make_ready("/dev/video77", 640, 360, linux)
    left("/dev/video77", linux)


@pytest.mark.parametrize("state", [LoopbackState.STUCK, LoopbackState.WRITTEN])
def test_old_driver_is_told_when_the_writer_leaves(device, linux, state):
    device.state = state
    left("/dev/video9", linux)
    assert device.freed


def test_newer_driver_is_not_told_when_the_writer_leaves(device, linux):
    (linux / "module" / "v4l2loopback" / "version").write_text("0.13.2\n")
    device.state = LoopbackState.STUCK
    left("/dev/video9", linux)
    assert not device.freed


def test_removed_or_replaced_node_is_a_fault(device, linux, tmp_path, monkeypatch):
    node = tmp_path / "video9"
    node.touch()
    monkeypatch.setattr(module, "find_loopback", lambda label, sys_root: str(node))
    driver = LoopbackDriver("StreamDiffusion Cam", 640, 360, linux)
    driver.opened()
    assert driver.find_fault(0) is None
    (tmp_path / "other").touch()
    (tmp_path / "other").rename(node)
    assert "StreamDiffusion Cam" in str(driver.find_fault(0))
    node.unlink()
    assert driver.find_fault(0) is not None
