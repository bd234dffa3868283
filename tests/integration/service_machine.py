"""A machine to install the service on: a home, the system's tools, and `sdcam service` in it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from pathlib import Path

import psutil
import pytest

from sdcam import resources
from sdcam.cli import main
from sdcam.paths import log_folder

FAKES = Path(__file__).parent / "fake_system"
TINY = Path(__file__).parent.parent / "data" / "tiny-model"
PATIENCE = 20.0
# Devices that no machine has: no test turns a camera on, or writes into somebody's call.
CONFIG = """
[camera]
device = "a camera that nobody has"
[output]
device = "a virtual camera that nobody has"
[model]
name = "{model}"
render_size = "64"
[service]
socket = "{socket}"
"""
# What runs in the service's place: ends in order, and takes its time for it.
PROGRAM = """
import os, signal, socket, sys, time
def end(*_):
    time.sleep(0.15)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
if manager := os.environ.get("NOTIFY_SOCKET"):
    speaker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    for message in (b"READY=1", b"STATUS=painting"):
        speaker.sendto(message, manager)
print("started", os.getpid(), flush=True)
while True:
    time.sleep(0.01)
"""


class Machine:
    """A home, the system's tools, and `sdcam service` in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = folder / "home"
        self.memory = folder / "system"
        self.launchd = folder / "launchd"
        self._capsys = capsys
        for name in ("jobs", "disabled", "loaded", "state"):
            (self.memory / name).mkdir(parents=True)
        for there in ("logged-in", "session"):
            (self.memory / there).touch()
        self.home.mkdir()
        self.user_says("GRANTED")
        shutil.copytree(resources.launchd(""), self.launchd)

    def user_says(self, answer: str) -> None:
        (self.memory / "user-says").write_text(json.dumps({"answer": answer}))

    def sdcam(self, *words: str) -> tuple[int, str, str]:
        code = main(["service", *words])
        told = self._capsys.readouterr()
        return code, told.out, told.err

    def status(self) -> dict[str, object]:
        return json.loads(self.sdcam("status", "--json")[1])

    def until(self, condition) -> dict[str, object]:
        deadline = time.monotonic() + PATIENCE
        while not condition(status := self.status()):
            assert time.monotonic() < deadline, status
            time.sleep(0.05)
        return status

    def until_running(self, *, other_than: object = None) -> int:
        there = self.until(lambda s: s["pid"] not in (None, other_than) and self._is_prepared(s))
        return there["pid"]

    def _is_prepared(self, status: dict[str, object]) -> bool:
        """Its signal handlers are set: it has said so in its own way."""
        if status["state"] == "running":
            log = log_folder() / "launchd.log"
            return log.exists() and f"started {status['pid']}\n" in log.read_text()
        return status["state"] == "active (running)"

    def left_in_home(self) -> list[str]:
        return sorted(str(p.relative_to(self.home)) for p in self.home.rglob("*") if p.is_file())

    def calls(self) -> str:
        return (self.memory / "calls").read_text()


@pytest.fixture(name="machine")
def new_machine(tmp_path, monkeypatch, capsys):
    machine = Machine(tmp_path, capsys)
    monkeypatch.setenv("FAKE_SYSTEM", str(machine.memory))
    monkeypatch.setenv("FAKE_SYSTEM_SPEED", "100")
    monkeypatch.setenv("PATH", f"{FAKES}:{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(machine.home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(machine.home / ".config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(machine.home / ".local/state"))
    monkeypatch.delenv("SUDO_UID", raising=False)
    monkeypatch.setattr(resources, "launchd", lambda name: machine.launchd / name)
    yield machine
    for job in machine.memory.glob("*/*.json"):
        told = json.loads(job.read_text())
        if supervisor := told.get("supervisor"):
            _end(supervisor)


def runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def _end(supervisor: int) -> None:
    """With the service that it keeps, which it must not start again meanwhile."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(supervisor)
        process.suspend()
        for each in (*process.children(recursive=True), process):
            each.kill()
