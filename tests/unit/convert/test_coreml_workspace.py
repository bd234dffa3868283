"""A conversion clears up after itself however it ends, and after those that could not."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from sdcam.errors import MissingError, SdcamError
from sdcam_convert.coreml import workspace as rooms
from sdcam_convert.coreml.workspace import put, workspace

FILLING = """
import sys, time
from pathlib import Path
from sdcam_convert.coreml.workspace import workspace

with workspace(Path(sys.argv[1]), 0) as bundle:
    (bundle / "half").write_text("")
    print("filling", flush=True)
    time.sleep(60)
"""


def filling(out: Path) -> subprocess.Popen[str]:
    """A conversion in a process of its own, in the middle."""
    process = subprocess.Popen(
        [sys.executable, "-c", FILLING, str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "filling\n"
    return process


def test_what_is_put_has_its_name_and_nothing_lies_beside_it(tmp_path):
    out = tmp_path / "new" / "bundle"
    with workspace(out, 0) as bundle:
        (bundle / "inner").mkdir()
        (bundle / "inner" / "file").write_text("whole")
        assert not out.exists()
        put(bundle, out)
    assert (out / "inner" / "file").read_text() == "whole"
    assert list(out.parent.iterdir()) == [out]


def test_a_fault_leaves_not_even_the_folders_that_were_made_for_it(tmp_path):
    with (
        pytest.raises(RuntimeError),
        workspace(tmp_path / "new" / "deep" / "out", 0) as bundle,
    ):
        (bundle / "half").write_text("")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_conversion_that_is_ended_leaves_nothing(tmp_path, number):
    process = filling(tmp_path / "new" / "out")
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in said and process.returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_one_has_left_goes_with_the_next_one(tmp_path):
    process = filling(tmp_path / "out")
    process.kill()
    process.communicate()
    (left,) = tmp_path.iterdir()
    with workspace(tmp_path / "another", 0):
        assert not left.exists()
    assert list(tmp_path.iterdir()) == []


def test_one_that_lives_is_left_alone(tmp_path):
    process = filling(tmp_path / "out")
    (its,) = tmp_path.iterdir()
    with workspace(tmp_path / "out", 0):
        assert (its / "bundle" / "half").exists()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert list(tmp_path.iterdir()) == []


def test_other_hidden_folders_are_left_alone(tmp_path):
    (tmp_path / ".out-12345678").mkdir()
    with workspace(tmp_path / "out", 0):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".out-12345678"]


def test_the_signals_do_afterwards_what_they_did_before(tmp_path):
    usual = signal.getsignal(signal.SIGTERM)
    with workspace(tmp_path / "out", 0):
        assert signal.getsignal(signal.SIGTERM) != usual
    assert signal.getsignal(signal.SIGTERM) == usual


def test_a_signal_that_is_ignored_stays_ignored(tmp_path):
    usual = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup has it
    try:
        with workspace(tmp_path / "out", 0) as bundle:
            os.kill(os.getpid(), signal.SIGHUP)
            put(bundle, tmp_path / "out")
    finally:
        signal.signal(signal.SIGHUP, usual)
    assert (tmp_path / "out").is_dir()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_temporary_files_that_a_fault_leaves_open_say_nothing(tmp_path, monkeypatch):
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: complaints.append(found.exc_value))

    def fail() -> None:
        file = tempfile.NamedTemporaryFile("w")  # noqa: SIM115  as coremltools' frames keep theirs
        assert tmp_path in Path(file.name).parents
        raise SdcamError("It failed.")

    def convert() -> None:
        with pytest.raises(SdcamError), workspace(tmp_path / "out", 0):
            fail()

    convert()
    gc.collect()
    assert complaints == []


def test_a_disk_that_fills_up_is_told_whatever_the_fault(tmp_path, monkeypatch):
    free = iter((4000, 900))
    monkeypatch.setattr(rooms.shutil, "disk_usage", lambda _: SimpleNamespace(free=next(free)))
    with (
        pytest.raises(SdcamError, match=r"is full\. Nothing was kept"),
        workspace(tmp_path / "out", 1000),
    ):
        raise SdcamError("coremltools could not do it.")


def test_a_folder_that_cannot_be_made_is_named_and_nothing_is_left(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(MissingError, match=r"file.out cannot be written"),
        workspace(tmp_path / "file" / "out", 0),
    ):
        pass


CONVERTING = """
import os, sys, time
from pathlib import Path
from sdcam.models import ModelFolder
from sdcam_convert.coreml import process
from sdcam_convert.coreml.options import CoreMLOptions

def convert(name, model, options, folder):
    (folder / "new").write_text(str(os.getpid()))
    (folder / "new").rename(folder / "converting")
    time.sleep(60)

process._LARGE = 0
process._make = convert  # in the child, too: it imports this file
if __name__ == "__main__":
    model, out = map(Path, sys.argv[1:])
    process.make_program("encode", ModelFolder.open(model), CoreMLOptions(), out)
"""


def test_the_process_of_a_program_ends_with_its_parent(tmp_path, tiny_model):
    script = tmp_path / "script.py"
    script.write_text(CONVERTING)
    parent = subprocess.Popen([sys.executable, str(script), str(tiny_model.path), str(tmp_path)])
    while not (tmp_path / "converting").exists():
        assert parent.poll() is None
        time.sleep(0.02)
    child = int((tmp_path / "converting").read_text())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while lives(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def lives(pid: int) -> bool:
    """Somebody else reaps it, and may be late."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False)
    return state.stdout.strip()[:1] not in (b"", b"Z")
