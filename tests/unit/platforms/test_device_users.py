"""Which programs have a node open: real files and real programs stand for the device and apps."""

from __future__ import annotations

import os
import struct
import sys

import pytest

from sdcam.platforms.device_users import HIDDEN_PROGRAM, DeviceUser, DeviceUsers, users_of
from sdcam.platforms.inotify import InotifyWatch, event_masks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify and /proc are Linux's")

OWN = {os.getpid()}


@pytest.fixture
def sys_root(tmp_path):
    """What the driver says of itself: `refcnt` is how often its only node is open."""
    (tmp_path / "sys/module/v4l2loopback").mkdir(parents=True)
    (tmp_path / "sys/devices/virtual/video4linux/video10").mkdir(parents=True)

    def opened(times: int):
        (tmp_path / "sys/module/v4l2loopback/refcnt").write_text(f"{times}\n")
        return tmp_path / "sys"

    return opened


def others(node, sys_root) -> list[DeviceUser]:
    return DeviceUsers(str(node), sys_root=sys_root).others(OWN)


def test_a_program_with_the_node_open_is_named(node, app, tmp_path):
    program = app()
    found = others(node, tmp_path / "nothing")
    assert [(o.pid, o.mapped) for o in found] == [(program.pid, False)]
    assert str(found[0]) == f"{found[0].name} (pid {program.pid})"
    assert found[0].name.startswith("python")


def test_a_program_that_has_mapped_it_takes_pictures(node, app, tmp_path):
    app("streams")
    assert others(node, tmp_path)[0].mapped


def test_ourselves_and_files_of_the_same_name_do_not_count(node, app, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "video10").write_bytes(b"x")
    app(path=elsewhere / "video10")
    with node.open("rb"):
        assert DeviceUsers(str(node), sys_root=tmp_path).times_open(OWN) == 1
        assert others(node, tmp_path) == []


def test_proc_is_not_searched_when_the_driver_counts_only_us(node, app, sys_root):
    app()
    with node.open("rb"):
        assert len(others(node, sys_root(2))) == 1
        assert others(node, sys_root(1)) == []


def test_hidden_program_is_reported(node, sys_root, tmp_path):
    with node.open("rb"):
        openers = DeviceUsers(str(node), proc=_only_our_own(tmp_path), sys_root=sys_root(2))
        assert openers.others(OWN) == [DeviceUser(HIDDEN_PROGRAM, 0, mapped=False)]


def test_users_of_another_loopback_device_are_not_counted(node, sys_root, tmp_path):
    root = sys_root(2)
    (root / "devices/virtual/video4linux/video11").mkdir()
    with node.open("rb"):
        openers = DeviceUsers(str(node), proc=_only_our_own(tmp_path), sys_root=root)
        assert openers.others(OWN) == []


def test_inotify_reports_openings_and_a_deleted_file(node):
    openings = InotifyWatch(str(node))
    assert not openings.take()
    with node.open("rb"):
        assert openings.take()
    assert openings.take()
    assert not openings.take()
    node.unlink()
    with pytest.raises(OSError, match="No such device"):
        openings.take()
    openings.close()
    with pytest.raises(FileNotFoundError):
        InotifyWatch(str(node))


def test_inotify_events_with_names_are_parsed():
    named = struct.pack("=iIII16s", 1, 0x20, 0, 16, b"video10")
    assert list(event_masks(named + struct.pack("=iIII", 1, 0x8000, 0, 0))) == [0x20, 0x8000]


def test_users_of_a_node_are_named_without_ourselves(tmp_path):
    for pid, name, target in [
        ("4711", "zoom", "/dev/video0"),
        ("42", "cat", "/dev/null"),
        (str(os.getpid()), "sdcam", "/dev/video0"),  # ourselves
    ]:
        (tmp_path / pid / "fd").mkdir(parents=True)
        (tmp_path / pid / "comm").write_text(f"{name}\n")
        (tmp_path / pid / "fd" / "3").symlink_to(target)
    (tmp_path / "99").mkdir()  # another user's: nothing in it can be read
    assert users_of("/dev/video0", proc=tmp_path) == ["zoom (pid 4711)"]


def _only_our_own(tmp_path):
    """A /proc in which this user may inspect no other process."""
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / str(os.getpid())).symlink_to(f"/proc/{os.getpid()}")
    (proc / "1" / "fd").mkdir(parents=True)
    return proc
