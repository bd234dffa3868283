"""Video4Linux's structures are those of the kernel's header."""

from __future__ import annotations

import errno
import fcntl
import struct

import pytest

from sdcam.platforms import v4l2
from sdcam.platforms.loopback import CLIENT_USAGE


def test_the_requests_are_those_of_videodev2_h():
    assert v4l2.QUERYCAP == 0x80685600
    assert v4l2.ENUM_FMT == 0xC0405602
    assert v4l2.STREAMON == 0x40045612
    assert v4l2.TRY_FMT == 0xC0D05640
    assert v4l2.DQEVENT == 0x80885659
    assert v4l2.SUBSCRIBE_EVENT == 0x4020565A


def test_a_node_that_is_no_camera_is_an_os_error(tmp_path):
    node = tmp_path / "video0"
    node.touch()
    with pytest.raises(OSError) as caught:
        v4l2.query_capability(str(node))
    assert caught.value.errno == errno.ENOTTY


@pytest.mark.parametrize(("count", "pending"), [(0, [0]), (1, [0]), (1, [2, 1, 0])])
def test_events_are_read_where_the_kernel_puts_them(monkeypatch, count, pending):
    """struct v4l2_event of 64-bit Linux: type at 0, union at 8, pending at 72, sequence at 76"""
    left = list(pending)

    def dequeue(descriptor, request, event):
        assert (request, len(event)) == (v4l2.DQEVENT, 136)
        struct.pack_into("=I", event, 0, 0x10E00001)
        struct.pack_into("=I", event, 8, count)
        struct.pack_into("=II", event, 72, left.pop(0), 99)

    monkeypatch.setattr(fcntl, "ioctl", dequeue)
    assert list(v4l2.events(7)) == [(CLIENT_USAGE, count)] * len(pending)


def test_no_event_waits_or_the_device_is_gone(monkeypatch):
    def refuse(number):
        def dequeue(descriptor, request, event):
            raise OSError(number, "")

        return dequeue

    monkeypatch.setattr(fcntl, "ioctl", refuse(errno.ENOENT))
    assert list(v4l2.events(7)) == []
    monkeypatch.setattr(fcntl, "ioctl", refuse(errno.ENODEV))
    with pytest.raises(OSError):
        list(v4l2.events(7))
