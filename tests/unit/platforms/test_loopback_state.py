"""v4l2loopback: devices by label, and their states on the calls that the real driver wants."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import threading
import time

import pytest

from sdcam.errors import MissingError
from sdcam.platforms import loopback as module
from sdcam.platforms.loopback import (
    LoopbackState,
    find_loopback,
    free,
    kept_format,
    loopback_devices,
    module_version,
    query_state,
    real_state,
)
from sdcam.platforms.loopback_setup import install_command

QUERYCAP, ENUM_FMT, STREAMON, TRY_FMT = 0x80685600, 0xC0405602, 0x40045612, 0xC0D05640
YU12, YUYV = b"YU12", b"YUYV"


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """v4l2loopback 0.12.7 behind a node, with settable capabilities. Each byte that is written into
    the node is a frame."""

    class Driver:
        node = str(tmp_path / "video10")
        name = b"v4l2 loopback"
        caps = 0x5200000
        refuses = True
        keeps = None  # a format

        def ioctl(self, descriptor, request, argument):
            self.calls.append(request)
            if request == QUERYCAP:
                struct.pack_into("=16s", argument, 0, self.name)
                struct.pack_into("=II", argument, 84, self.caps | 0x80000000, self.caps)
            elif request == ENUM_FMT:
                raise OSError(errno.EINVAL, "Invalid argument")
            elif request == TRY_FMT:
                assert len(argument) == 208 and struct.unpack_from("=I", argument) == (2,)
                if self.keeps:
                    struct.pack_into("=2I4s", argument, 8, *self.keeps)
            else:
                assert request == STREAMON and struct.unpack("i", argument) == (2,)
                if self.refuses:
                    raise OSError(errno.EINVAL, "Invalid argument")
            return 0

    one = Driver()
    one.calls = []
    os.mkfifo(one.node)
    monkeypatch.setattr(fcntl, "ioctl", one.ioctl)
    monkeypatch.setattr(module, "_SILENCE_SECONDS", 0.3)
    return one


@pytest.mark.parametrize(
    ("caps", "state"),
    [
        (0, LoopbackState.STUCK),
        (1, LoopbackState.WRITTEN),
        (2, LoopbackState.FREE),
        (3, LoopbackState.BOTH),
    ],
)
def test_state_follows_the_capabilities(driver, caps, state):
    driver.caps = 0x5200000 | caps
    assert query_state(driver.node) is state


def test_device_of_another_driver_is_recognised(driver):
    driver.name = b"uvcvideo"
    assert query_state(driver.node) is LoopbackState.ANOTHER


@pytest.mark.parametrize("refuses", [True, False])
def test_stuck_device_is_freed_by_streamon(driver, refuses):
    driver.refuses = refuses
    free(driver.node)
    assert driver.calls == [STREAMON]


WRITTEN = 0x5200001


def test_written_device_without_frames_is_stuck(driver, tmp_path):
    driver.caps = WRITTEN
    keeps_it_open = os.open(driver.node, os.O_RDWR)
    os.write(keeps_it_open, b"1")
    assert real_state(driver.node, tmp_path) is LoopbackState.STUCK
    os.close(keeps_it_open)


@pytest.mark.alone
def test_device_that_gets_frames_is_written(driver, tmp_path):
    driver.caps = WRITTEN
    writer = os.open(driver.node, os.O_RDWR)
    later = threading.Timer(0.1, lambda: os.write(writer, b"1"))
    later.start()
    begun = time.monotonic()
    assert real_state(driver.node, tmp_path) is LoopbackState.WRITTEN
    assert time.monotonic() - begun < 0.25, "it is known at once"
    later.join()
    os.close(writer)


def test_newer_driver_is_believed(driver, linux):
    driver.caps = WRITTEN
    (linux / "module" / "v4l2loopback" / "version").write_text("0.13.2\n")
    assert real_state(driver.node, linux) is LoopbackState.WRITTEN


def test_kept_format_is_reported(driver):
    assert kept_format(driver.node, 640, 360) == ""
    driver.keeps = (640, 480, YU12)
    assert kept_format(driver.node, 640, 480) == ""
    assert kept_format(driver.node, 640, 360) == "640x480 YU12"
    driver.keeps = (640, 360, YUYV)
    assert kept_format(driver.node, 640, 360) == "640x360 YUYV"


def test_missing_node_raises_oserror(tmp_path):
    for ask in (query_state, real_state, free):
        with pytest.raises(OSError, match="No such file"):
            ask(str(tmp_path / "video9"))


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
    assert install_command() in caught.value.todo
    load = 'sudo modprobe v4l2loopback exclusive_caps=1 card_label="StreamDiffusion Cam"'
    assert load in caught.value.todo


def test_a_driver_with_other_labels_is_loaded_again(linux):
    with pytest.raises(MissingError) as caught:
        find_loopback("My Cam", linux)
    assert "sudo modprobe -r v4l2loopback && sudo modprobe v4l2loopback" in caught.value.todo
    assert 'card_label="My Cam"' in caught.value.todo


def test_a_webcam_is_no_loopback_device(linux):
    assert list(loopback_devices(linux)) == ["/dev/video9", "/dev/video10", "/dev/video11"]
    with pytest.raises(MissingError, match='no virtual camera "HD Webcam: HD Webcam"'):
        find_loopback("HD Webcam: HD Webcam", linux)


@pytest.mark.parametrize(
    ("content", "version"), [("0.13.2\n", (0, 13, 2)), ("0.15-dirty\n", ()), (None, ())]
)
def test_the_version_of_the_module(linux, content, version):
    if content is not None:
        (linux / "module/v4l2loopback/version").write_text(content)
    assert module_version(linux) == version
