"""The virtual camera for good: two files, and the commands that put them in place."""

from __future__ import annotations

import shlex

import pytest

from sdcam import resources
from sdcam.install.loopback_module import how_to_have_the_camera


@pytest.fixture
def sys_root(tmp_path):
    (tmp_path / "class" / "video4linux").mkdir(parents=True)
    return tmp_path


def test_a_camera_that_is_there_needs_nothing(sys_root):
    device = sys_root / "devices" / "virtual" / "video4linux" / "video10"
    device.mkdir(parents=True)
    (sys_root / "class" / "video4linux" / "video10").symlink_to(device)
    (device / "name").write_text("StreamDiffusion Cam\n")
    assert list(how_to_have_the_camera(sys_root)) == []


def test_without_the_module_it_is_installed_first(sys_root):
    first, *commands = how_to_have_the_camera(sys_root)
    assert 'no virtual camera "StreamDiffusion Cam"' in first
    assert commands[0].strip().startswith("sudo apt install v4l2loopback-dkms")
    assert not any("modprobe -r" in c for c in commands)


def test_a_module_without_our_camera_is_loaded_again(sys_root):
    (sys_root / "module" / "v4l2loopback").mkdir(parents=True)
    commands = [shlex.split(c, comments=True) for c in how_to_have_the_camera(sys_root)][1:]
    assert ["sudo", "modprobe", "-r", "v4l2loopback"] in commands
    assert commands[-1] == ["sudo", "modprobe", "v4l2loopback"]


def test_the_files_are_what_the_kernels_tools_read():
    loaded, made = (
        [
            line
            for line in resources.launchd(f"v4l2loopback.{kind}.conf").read_text().splitlines()
            if not line.startswith("#")
        ]
        for kind in ("modules-load", "modprobe")
    )
    assert loaded == ["v4l2loopback"]
    (options,) = made
    word, module, *values = shlex.split(options)
    assert (word, module) == ("options", "v4l2loopback")
    assert dict(v.split("=") for v in values) == {
        "exclusive_caps": "1",
        "video_nr": "10",
        "card_label": "StreamDiffusion Cam",
    }
