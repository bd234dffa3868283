"""Freeing a stuck loopback, on the calls that the real driver was seen to want."""

from __future__ import annotations

import errno
import fcntl
import struct

import pytest

from sdcam.output.loopback_state import State, free_if_stuck, query_state

QUERYCAP, STREAMON = 0x80685600, 0x40045612


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """v4l2loopback 0.12.7 behind a node, with the capabilities that are set on it."""

    class Driver:
        node = tmp_path / "video10"
        name = b"v4l2 loopback"
        caps = 0x5200000
        calls: list[int] = []  # noqa: RUF012

        def ioctl(self, descriptor, request, argument):
            self.calls.append(request)
            if request == QUERYCAP:
                struct.pack_into("=16s", argument, 0, self.name)
                struct.pack_into("=I", argument, 88, self.caps)
                return 0
            assert struct.unpack("i", argument) == (2,)
            self.caps = 0x5200002
            raise OSError(errno.EINVAL, "Invalid argument")

    one = Driver()
    one.calls = []
    one.node.write_text("")
    monkeypatch.setattr(fcntl, "ioctl", one.ioctl)
    return one


def test_a_stuck_one_is_an_output_again(driver):
    assert free_if_stuck(str(driver.node))
    assert driver.calls == [QUERYCAP, STREAMON]
    assert not free_if_stuck(str(driver.node))


@pytest.mark.parametrize("caps", [0x5200001, 0x5200002, 0x5200003])
def test_any_other_is_left_alone(driver, caps):
    driver.caps = caps
    assert not free_if_stuck(str(driver.node))
    assert driver.calls == [QUERYCAP]


def test_one_that_is_not_there_is_for_the_next_to_explain(tmp_path):
    assert not free_if_stuck(str(tmp_path / "video9"))


@pytest.mark.parametrize(
    ("caps", "state"),
    [(0, State.STUCK), (1, State.WRITTEN), (2, State.FREE), (3, State.BOTH)],
)
def test_its_capabilities_tell_the_state(driver, caps, state):
    driver.caps = 0x5200000 | caps
    assert query_state(str(driver.node)) is state


def test_a_device_of_another_driver_is_none_of_ours(driver):
    driver.name = b"uvcvideo"
    assert query_state(str(driver.node)) is State.ANOTHER
    assert not free_if_stuck(str(driver.node))
    assert STREAMON not in driver.calls
