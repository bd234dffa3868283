"""Viewers of a loopback device: real files and real programs stand for the device and its apps."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from sdcam.output.viewers.loopback import ClientUsage, StreamingProbe, UsersProbe
from sdcam.output.viewers.observation import Observation, Use
from sdcam.platforms.device_users import HIDDEN_PROGRAM, DeviceUser, DeviceUsers
from sdcam.platforms.inotify import InotifyWatch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify and /proc are Linux's")

OWN = {os.getpid()}


def test_users_probe_sees_programs_come_and_go(node, app, tmp_path):
    probe = _users_probe(node, tmp_path)
    assert probe.probe() == Observation(Use.NONE)
    first = app()
    assert probe.probe().use is Use.OPEN
    second = app("streams")
    observed = probe.probe()
    assert observed.use is Use.STREAMING
    assert {name.rpartition("(pid ")[2] for name in observed.programs} == {
        f"{first.pid})",
        f"{second.pid})",
    }
    app.end(first)
    app.end(second)
    assert probe.probe() == Observation(Use.NONE)
    probe.close()


def test_go_between_counts_only_once_it_maps_memory(node, tmp_path):
    probe = _users_probe(node, tmp_path)
    users = [DeviceUser("wireplumber", 7, mapped=False)]
    probe._users = _Known(users)
    observed = probe.probe()
    assert (observed.use, observed.programs) == (Use.NONE, ())
    assert observed.again_seconds is not None
    users[0] = DeviceUser("pipewire", 8, mapped=True)
    assert probe.probe() == Observation(Use.STREAMING, ("pipewire (pid 8)",))
    probe.close()


def test_unsupported_event_raises_and_leaks_no_descriptor(node):
    before = _descriptors()
    with pytest.raises(OSError):
        ClientUsage(str(node))
    assert _descriptors() == before


def test_streaming_probe_counts_only_streaming_programs(node):
    probe, usage, users = _streaming_probe(node)
    users.known = [DeviceUser("obs", 5, mapped=False), DeviceUser("chrome", 6, mapped=True)]
    assert probe.probe() == Observation(Use.NONE)
    usage.now = True
    assert probe.probe() == Observation(Use.STREAMING, ("chrome (pid 6)",))
    users.known = []
    assert probe.probe().programs == ("chrome (pid 6)",), "nothing was opened: no need to ask"
    node.open("rb").close()
    assert probe.probe() == Observation(Use.STREAMING, (HIDDEN_PROGRAM,))
    probe.close()


def test_streaming_probe_ends_when_we_stop_writing(node):
    probe, _, users = _streaming_probe(node)
    users.own = 1  # the descriptor of the event itself
    node.open("rb").close()
    with pytest.raises(OSError) as caught:
        probe.probe()
    assert caught.value.errno == errno.ENODEV
    probe.close()


def _descriptors() -> set[str]:
    return {descriptor.name for descriptor in Path("/proc/self/fd").iterdir()}


class _Known:
    """DeviceUsers with a given list."""

    def __init__(self, known: list[DeviceUser]) -> None:
        self.known = known
        self.own = 2

    def others(self, own) -> list[DeviceUser]:
        return list(self.known)

    def times_open(self, pids) -> int:
        return self.own


class _Usage:
    """A driver that says `now`."""

    def __init__(self) -> None:
        self.descriptor = os.open(os.devnull, os.O_RDONLY)
        self.streaming = self.now = False

    def update(self) -> bool:
        self.streaming = self.now
        return self.now

    def close(self) -> None:
        os.close(self.descriptor)


def _streaming_probe(node) -> tuple[StreamingProbe, _Usage, _Known]:
    usage, users = _Usage(), _Known([])
    probe = StreamingProbe(usage, InotifyWatch(str(node)), users, lambda: OWN)
    return probe, usage, users


def _users_probe(node, sys_root) -> UsersProbe:
    return UsersProbe(
        InotifyWatch(str(node)), DeviceUsers(str(node), sys_root=sys_root), lambda: OWN
    )
