"""Who watches a loopback device: real files and real programs stand for the device and its apps."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from sdcam.output.audience.client_usage import ClientUsage
from sdcam.output.audience.loopback import OpeningsLookout, StreamingLookout
from sdcam.output.audience.sighting import Sight, Sighting
from sdcam.platforms.device_users import HIDDEN_PROGRAM, DeviceUser, DeviceUsers
from sdcam.platforms.inotify import InotifyWatch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify and /proc are Linux's")

OWN = {os.getpid()}


def test_the_lookout_sees_programs_come_and_go(node, app, tmp_path):
    lookout = _openings_lookout(node, tmp_path)
    assert lookout.look() == Sighting(Sight.NOBODY)
    first = app()
    assert lookout.look().sight is Sight.OPEN
    second = app("streams")
    sighting = lookout.look()
    assert sighting.sight is Sight.STREAMING
    assert {name.rpartition("(pid ")[2] for name in sighting.programs} == {
        f"{first.pid})",
        f"{second.pid})",
    }
    app.end(first)
    app.end(second)
    assert lookout.look() == Sighting(Sight.NOBODY)
    lookout.close()


def test_a_go_between_counts_when_it_takes_pictures_and_is_asked_again_till_then(node, tmp_path):
    lookout = _openings_lookout(node, tmp_path)
    openers = [DeviceUser("wireplumber", 7, mapped=False)]
    lookout._openers = _Known(openers)
    sighting = lookout.look()
    assert (sighting.sight, sighting.programs) == (Sight.NOBODY, ())
    assert sighting.again_seconds is not None
    openers[0] = DeviceUser("pipewire", 8, mapped=True)
    assert lookout.look() == Sighting(Sight.STREAMING, ("pipewire (pid 8)",))
    lookout.close()


def test_a_driver_without_the_event_is_an_error_and_leaves_nothing_open(node):
    before = _descriptors()
    with pytest.raises(OSError):
        ClientUsage(str(node))
    assert _descriptors() == before


def test_with_the_event_only_who_takes_pictures_counts(node):
    lookout, usage, openers = _streaming_lookout(node)
    openers.known = [DeviceUser("obs", 5, mapped=False), DeviceUser("chrome", 6, mapped=True)]
    assert lookout.look() == Sighting(Sight.NOBODY)
    usage.now = True
    assert lookout.look() == Sighting(Sight.STREAMING, ("chrome (pid 6)",))
    openers.known = []
    assert lookout.look().programs == ("chrome (pid 6)",), "nothing was opened: no need to ask"
    node.open("rb").close()
    assert lookout.look() == Sighting(Sight.STREAMING, (HIDDEN_PROGRAM,))
    lookout.close()


def test_with_the_event_the_device_is_let_go_when_we_no_longer_write(node):
    lookout, _, openers = _streaming_lookout(node)
    openers.own = 1  # the descriptor of the event itself
    node.open("rb").close()
    with pytest.raises(OSError) as caught:
        lookout.look()
    assert caught.value.errno == errno.ENODEV
    lookout.close()


def _descriptors() -> set[str]:
    return {descriptor.name for descriptor in Path("/proc/self/fd").iterdir()}


class _Known:
    """Openers that are known beforehand."""

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


def _streaming_lookout(node) -> tuple[StreamingLookout, _Usage, _Known]:
    usage, openers = _Usage(), _Known([])
    lookout = StreamingLookout(usage, InotifyWatch(str(node)), openers, lambda: OWN)
    return lookout, usage, openers


def _openings_lookout(node, sys_root) -> OpeningsLookout:
    return OpeningsLookout(
        InotifyWatch(str(node)), DeviceUsers(str(node), sys_root=sys_root), lambda: OWN
    )
