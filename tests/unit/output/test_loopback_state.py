"""A loopback's state, on the calls that the real driver was seen to want."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import threading
import time

import pytest

from sdcam.output import loopback_state as module
from sdcam.output.loopback_state import State, free, kept_format, query_state, real_state

QUERYCAP, STREAMON, TRY_FMT = 0x80685600, 0x40045612, 0xC0D05640
YU12, YUYV = b"YU12", b"YUYV"


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """v4l2loopback 0.12.7 behind a node, with the capabilities that are set on it; what is written
    into the node is a frame a byte."""

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
                struct.pack_into("=I", argument, 88, self.caps)
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
    [(0, State.STUCK), (1, State.WRITTEN), (2, State.FREE), (3, State.BOTH)],
)
def test_its_capabilities_tell_the_state(driver, caps, state):
    driver.caps = 0x5200000 | caps
    assert query_state(driver.node) is state


def test_a_device_of_another_driver_is_none_of_ours(driver):
    driver.name = b"uvcvideo"
    assert query_state(driver.node) is State.ANOTHER


@pytest.mark.parametrize("refuses", [True, False])
def test_one_that_missed_its_writers_end_is_asked_for_streaming(driver, refuses):
    driver.refuses = refuses
    free(driver.node)
    assert driver.calls == [STREAMON]


WRITTEN = 0x5200001


def test_one_that_gets_no_frame_has_lost_its_writer_whatever_it_had_before(driver, tmp_path):
    driver.caps = WRITTEN
    keeps_it_open = os.open(driver.node, os.O_RDWR)
    os.write(keeps_it_open, b"1")
    assert real_state(driver.node, tmp_path) is State.STUCK
    os.close(keeps_it_open)


@pytest.mark.alone
def test_one_that_gets_a_frame_is_written(driver, tmp_path):
    driver.caps = WRITTEN
    writer = os.open(driver.node, os.O_RDWR)
    later = threading.Timer(0.1, lambda: os.write(writer, b"1"))
    later.start()
    begun = time.monotonic()
    assert real_state(driver.node, tmp_path) is State.WRITTEN
    assert time.monotonic() - begun < 0.25, "it is known at once"
    later.join()
    os.close(writer)


def test_a_newer_driver_knows_who_writes(driver, linux):
    driver.caps = WRITTEN
    (linux / "module" / "v4l2loopback" / "version").write_text("0.13.2\n")
    assert real_state(driver.node, linux) is State.WRITTEN


def test_a_format_is_taken_or_another_is_kept(driver):
    assert kept_format(driver.node, 640, 360) == ""
    driver.keeps = (640, 480, YU12)
    assert kept_format(driver.node, 640, 480) == ""
    assert kept_format(driver.node, 640, 360) == "640x480 YU12"
    driver.keeps = (640, 360, YUYV)
    assert kept_format(driver.node, 640, 360) == "640x360 YUYV"


def test_one_that_is_not_there_is_for_the_next_to_explain(tmp_path):
    for ask in (query_state, real_state, free):
        with pytest.raises(OSError, match="No such file"):
            ask(str(tmp_path / "video9"))
