"""Real processes: spawned, spoken to, killed."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sdcam.errors import SdcamError
from sdcam.workers import child as module
from sdcam.workers.child import Child, LingeringChildren
from sdcam.workers.frame_pool import FrameSlots


def double(pipe, slots):
    while True:
        view = slots.view(pipe.recv(), (4,))
        view *= 2
        pipe.send("done")


def hang(pipe):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pipe.send("hanging")
    time.sleep(60)


PARENT = """
import time
from sdcam.workers.child import Child
from test_child import hang
if __name__ == "__main__":
    child = Child("hang", hang)
    child.pipe.recv()
    print(child.pid, flush=True)
    time.sleep(60)
"""


def test_pixels_are_shared_and_only_records_cross_the_pipe():
    slots = FrameSlots.allocate(2, 4)
    slots.view(1, (4,))[...] = 21
    child = Child("double", double, slots)
    try:
        child.send(1)
        assert child.pipe.recv() == "done"
        assert slots.view(1, (4,)).tolist() == [42] * 4
        assert slots.view(0, (4,)).tolist() == [0] * 4
    finally:
        child.stop()


def test_a_hung_process_is_gone_when_stop_returns():
    child = Child("hang", hang)
    assert child.pipe.recv() == "hanging"
    pid = child.pid
    child.stop(grace=0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_killed_process_is_seen_at_once_and_named():
    child = Child("hang", hang)
    child.pipe.recv()
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(EOFError):
        child.pipe.recv()
    assert "was killed by SIGKILL" in str(child.fault())
    child.stop()


def test_children_end_with_a_parent_that_was_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    search = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": search},
    )
    assert parent.stdout is not None
    grandchild = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while _runs(grandchild):
        assert time.monotonic() < deadline, "the grandchild outlived its parent"
        time.sleep(0.02)


def _runs(pid):
    """Whether a process runs; one that ended and was not yet reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_system_without_room_for_a_process_is_a_fault_that_passes(monkeypatch):
    def refuse(process):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(module._CONTEXT.Process, "start", refuse)
    gc.collect()  # what other tests left open must not be closed in between
    before = len(list(Path("/dev/fd").iterdir()))
    with pytest.raises(
        SdcamError, match="model process cannot be started: Cannot allocate"
    ) as told:
        Child("model", hang)
    assert told.value.exit_code == 1
    assert len(list(Path("/dev/fd").iterdir())) == before  # attempts cost no descriptors


def say_ready(pipe):
    pipe.send("ready")
    pipe.recv()


def test_ctrl_c_while_a_child_still_imports_does_not_reach_it():
    """A terminal sends SIGINT to the whole group; a child has no handler of its own yet."""
    child = Child("early", say_ready)
    os.kill(child.pid, signal.SIGINT)  # long before Python has started in it
    os.kill(child.pid, signal.SIGHUP)
    assert child.pipe.recv() == "ready"
    os.kill(child.pid, signal.SIGINT)
    child.send("end")
    child._process.join(10)
    assert child.exit_code == 0
    assert child.stop()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())  # here as before


def test_a_child_that_cannot_be_killed_is_given_up_in_bounded_time(monkeypatch):
    child = Child("hang", hang)
    child.pipe.recv()
    pid = child.pid
    monkeypatch.setattr(child._process, "kill", lambda: None)  # as in an uninterruptible call
    monkeypatch.setattr(module, "_KILL_SECONDS", 0.2)
    released = []
    lingering = LingeringChildren()
    begun = time.monotonic()
    assert not child.stop(grace=0.1)
    assert time.monotonic() - begun < 5
    lingering.add(child, lambda: released.append(True))
    assert f"The hang process (pid {pid}) does not end" in str(lingering.fault())
    assert released == []
    os.kill(pid, signal.SIGKILL)
    while lingering.fault() is not None:
        assert time.monotonic() - begun < 20
        time.sleep(0.01)
    assert released == [True]


def echo_block(pipe):
    slots = FrameSlots.receive(pipe)
    slots.view(0, (4,))[...] += 1
    pipe.send("done")
    pipe.recv()


def test_a_process_that_runs_already_receives_shared_memory():
    """As the model process does, which starts before it is known what it should run."""
    child = Child("early", f"{__name__}:echo_block")
    slots = FrameSlots.allocate(2, 4)
    slots.view(0, (4,))[...] = 41
    slots.hand_over(child.pipe, child.pid)
    assert child.pipe.recv() == "done"
    assert slots.view(0, (4,)).tolist() == [42] * 4
    assert child.stop()
    assert child.stop()  # whoever is second finds it ended


FIRST_CHILD = """
import os, signal, sys
from sdcam.workers.child import Child
from test_child import say_ready
if __name__ == "__main__":
    child = Child("first", say_ready)  # nothing of multiprocessing has run before
    child.pipe.recv()
    print(*(line.split()[1] for line in open(f"/proc/{child.pid}/status") if "SigBlk" in line))
    child.stop()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the signal mask")
def test_the_first_child_of_a_process_does_not_hear_ctrl_c_either(tmp_path):
    """multiprocessing starts its resource tracker with the first one, and unblocks SIGINT then."""
    script = tmp_path / "parent.py"
    script.write_text(FIRST_CHILD)
    search = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": search}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(done.stdout, 16) & (1 << (signal.SIGINT - 1))
