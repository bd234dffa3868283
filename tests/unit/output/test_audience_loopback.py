"""Who has a node open: real files and real programs stand for the device and its apps."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdcam.output.audience.client_usage import CLIENT_USAGE, ClientUsage, parse_event
from sdcam.output.audience.loopback import OpeningsLookout, StreamingLookout
from sdcam.output.audience.openers import UNSEEN, Opener, Openers
from sdcam.output.audience.openings import Openings, masks
from sdcam.output.audience.sighting import Sight, Sighting

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify and /proc are Linux's")

APP = """
import mmap, sys
camera = open(sys.argv[1], "rb")
if sys.argv[2] == "streams":
    memory = mmap.mmap(camera.fileno(), 0, prot=mmap.PROT_READ)
print("ready", flush=True)
sys.stdin.read()
"""
OWN = {os.getpid()}


@pytest.fixture
def node(tmp_path):
    path = tmp_path / "video10"
    path.write_bytes(bytes(4096))
    return path


@pytest.fixture
def app(node) -> Iterator:
    """Starts a program that has the node open, and ends it."""
    running = []

    def start(what="opens", path=node) -> subprocess.Popen:
        command = [sys.executable, "-I", "-S", "-c", APP, str(path), what]
        program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        running.append(program)
        assert program.stdout.readline() == b"ready\n"
        return program

    def end(program: subprocess.Popen) -> None:
        program.kill()
        program.communicate()
        running.remove(program)

    start.end = end
    yield start
    for program in list(running):
        end(program)


@pytest.fixture
def sys_root(tmp_path):
    """What the driver says of itself: `refcnt` is how often its only node is open."""
    (tmp_path / "sys/module/v4l2loopback").mkdir(parents=True)
    (tmp_path / "sys/devices/virtual/video4linux/video10").mkdir(parents=True)

    def opened(times: int):
        (tmp_path / "sys/module/v4l2loopback/refcnt").write_text(f"{times}\n")
        return tmp_path / "sys"

    return opened


def others(node, sys_root) -> list[Opener]:
    return Openers(str(node), sys_root=sys_root).others(OWN)


def test_a_program_with_the_node_open_is_named(node, app, tmp_path):
    program = app()
    found = others(node, tmp_path / "nothing")
    assert [(o.pid, o.mapped) for o in found] == [(program.pid, False)]
    assert str(found[0]) == f"{found[0].name} ({program.pid})"
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
        assert Openers(str(node), sys_root=tmp_path).times_open(OWN) == 1
        assert others(node, tmp_path) == []


def test_when_the_driver_counts_nobody_but_us_nobody_is_looked_for(node, app, sys_root):
    app()
    with node.open("rb"):
        assert len(others(node, sys_root(2))) == 1
        assert others(node, sys_root(1)) == []


def test_a_program_that_cannot_be_looked_into_is_told_all_the_same(node, sys_root, tmp_path):
    with node.open("rb"):
        openers = Openers(str(node), proc=_only_our_own(tmp_path), sys_root=sys_root(2))
        assert openers.others(OWN) == [Opener(UNSEEN, 0, mapped=False)]


def test_what_has_another_device_of_the_driver_open_is_not_ours(node, sys_root, tmp_path):
    root = sys_root(2)
    (root / "devices/virtual/video4linux/video11").mkdir()
    with node.open("rb"):
        openers = Openers(str(node), proc=_only_our_own(tmp_path), sys_root=root)
        assert openers.others(OWN) == []


def test_openings_are_noticed_and_a_file_that_goes_is_an_error(node):
    openings = Openings(str(node))
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
        Openings(str(node))


def test_events_of_inotify_are_told_apart_also_with_names():
    named = struct.pack("=iIII16s", 1, 0x20, 0, 16, b"video10")
    assert masks(named + struct.pack("=iIII", 1, 0x8000, 0, 0)) == [0x20, 0x8000]


def test_the_lookout_sees_programs_come_and_go(node, app, tmp_path):
    lookout = _openings_lookout(node, tmp_path)
    assert lookout.look() == Sighting(Sight.NOBODY)
    first = app()
    assert lookout.look().sight is Sight.OPEN
    second = app("streams")
    sighting = lookout.look()
    assert sighting.sight is Sight.STREAMING
    assert {name.rpartition("(")[2] for name in sighting.programs} == {
        f"{first.pid})",
        f"{second.pid})",
    }
    app.end(first)
    app.end(second)
    assert lookout.look() == Sighting(Sight.NOBODY)
    lookout.close()


def test_a_go_between_counts_when_it_takes_pictures_and_is_asked_again_till_then(node, tmp_path):
    lookout = _openings_lookout(node, tmp_path)
    openers = [Opener("wireplumber", 7, mapped=False)]
    lookout._openers = _Known(openers)
    sighting = lookout.look()
    assert (sighting.sight, sighting.programs) == (Sight.NOBODY, ())
    assert sighting.again_seconds is not None
    openers[0] = Opener("pipewire", 8, mapped=True)
    assert lookout.look() == Sighting(Sight.STREAMING, ("pipewire (8)",))
    lookout.close()


def test_a_driver_without_the_event_is_an_error_and_leaves_nothing_open(node):
    before = _descriptors()
    with pytest.raises(OSError):
        ClientUsage(str(node))
    assert _descriptors() == before


@pytest.mark.parametrize(("count", "pending"), [(0, 0), (1, 0), (1, 2)])
def test_the_event_of_the_driver_is_read_where_the_kernel_puts_it(count, pending):
    # struct v4l2_event of 64-bit Linux: type at 0, union at 8, pending at 72, sequence at 76
    event = bytearray(136)
    struct.pack_into("=I", event, 0, 0x10E00001)
    struct.pack_into("=I", event, 8, count)
    struct.pack_into("=II", event, 72, pending, 99)
    assert parse_event(event) == (CLIENT_USAGE, count, pending > 0)


def test_with_the_event_only_who_takes_pictures_counts(node):
    lookout, usage, openers = _streaming_lookout(node)
    openers.known = [Opener("obs", 5, mapped=False), Opener("chrome", 6, mapped=True)]
    assert lookout.look() == Sighting(Sight.NOBODY)
    usage.now = True
    assert lookout.look() == Sighting(Sight.STREAMING, ("chrome (6)",))
    openers.known = []
    assert lookout.look().programs == ("chrome (6)",), "nothing was opened: no need to ask"
    node.open("rb").close()
    assert lookout.look() == Sighting(Sight.STREAMING, (UNSEEN,))
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

    def __init__(self, known: list[Opener]) -> None:
        self.known = known
        self.own = 2

    def others(self, own) -> list[Opener]:
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
    lookout = StreamingLookout(usage, Openings(str(node)), openers, lambda: OWN)
    return lookout, usage, openers


def _openings_lookout(node, sys_root) -> OpeningsLookout:
    return OpeningsLookout(Openings(str(node)), Openers(str(node), sys_root=sys_root), lambda: OWN)


def _only_our_own(tmp_path):
    """A /proc in which this user may look into nobody else."""
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / str(os.getpid())).symlink_to(f"/proc/{os.getpid()}")
    (proc / "1" / "fd").mkdir(parents=True)
    return proc
