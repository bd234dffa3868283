"""The unit in the hands of a real systemd: its sandbox lets the service live, and nothing else.

A user manager of its own is started in a mount namespace, where it finds what it takes for a system
that systemd has booted. That takes root and systemd's programs; without them this is skipped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from sdcam.cli import main
from sdcam.control.client import ask
from sdcam.errors import SdcamError
from service_machine import CONFIG, TINY

MANAGER = Path("/lib/systemd/systemd")
GROUPS = [Path("/sys/fs/cgroup") / name for name in ("", "systemd", "unified")]
PATIENCE = 30.0
START = """
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
for group in "$@"; do mkdir -p "$group"; echo $$ > "$group/cgroup.procs"; done
exec /lib/systemd/systemd --user --log-target=console
"""


@pytest.fixture
def home(monkeypatch):
    """Of a user who has a systemd session."""
    if os.geteuid() != 0 or not MANAGER.exists() or shutil.which("unshare") is None:
        pytest.skip("the unit was NOT run by a real systemd: that takes root, systemd and unshare")
    ours = f"sdcam-test-{os.getpid()}"
    groups = [group / ours for group in GROUPS if os.access(group / "cgroup.procs", os.W_OK)]
    # A short path: the sockets' names lie below it.
    home = Path(tempfile.mkdtemp(prefix="sdcam-"))
    (home / "run").mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("SUDO_UID", raising=False)
    with (home / "manager.log").open("w") as log:
        manager = subprocess.Popen(
            ["unshare", "--mount", "bash", "-c", START, "start", *groups], stdout=log, stderr=log
        )
    try:
        _until(lambda: _is_there(manager, home))
        yield home
    finally:
        _end(manager)
        for group in groups:
            _remove(group)
        shutil.rmtree(home)


def test_the_service_lives_in_its_sandbox(home, capsys):
    socket = home / "sdcam" / "control.sock"
    config = home / "config.toml"
    config.write_text(CONFIG.format(model=TINY, socket=socket))
    assert main(["service", "install", "--config", str(config)]) == 0, capsys.readouterr().err
    first = _pid()
    # It is ready before camera, model and virtual camera are: it waits for those.
    _until(lambda: _faults(socket).keys() == {"camera", "output:virtual-camera"})
    _until(lambda: _model(socket))
    for process in (first, *(child.pid for child in psutil.Process(first).children())):
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        told = dict(line.split(":\t", 1) for line in lines)
        assert (told["NoNewPrivs"], told["Seccomp"]) == ("1", "2"), process  # 2: a filter
    os.kill(first, signal.SIGKILL)
    second = _until(lambda: _pid() if _pid() not in (0, first) else None)
    _until(lambda: _faults(socket))
    assert main(["service", "stop"]) == 0
    assert not psutil.pid_exists(second)
    time.sleep(2.5)  # RestartSec and some
    assert _pid() == 0
    assert main(["service", "uninstall"]) == 0
    assert not (home / ".config/systemd/user/streamdiffusion-cam.service").exists()


def _systemctl(*words: str) -> str:
    return subprocess.run(
        ["systemctl", "--user", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=PATIENCE,
    ).stdout.strip()


def _is_there(manager: subprocess.Popen[bytes], home: Path) -> bool:
    if manager.poll() is not None:
        why = (home / "manager.log").read_text().strip() or f"exit {manager.returncode}"
        pytest.skip(f"the unit was NOT run by a real systemd: a user manager does not start: {why}")
    return _systemctl("is-active", "basic.target") == "active"


def _pid() -> int:
    return int(_systemctl("show", "-p", "MainPID", "--value", "streamdiffusion-cam") or 0)


def _faults(socket: Path) -> dict[str, str]:
    with contextlib.suppress(SdcamError):
        return ask(socket, "status")["faults"]
    return {}


def _model(socket: Path) -> str:
    with contextlib.suppress(SdcamError):
        return ask(socket, "status")["model"]["runtime"]
    return ""


def _until(condition):
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def _end(manager: subprocess.Popen[bytes]) -> None:
    if manager.poll() is None:
        family = psutil.Process(manager.pid).children(recursive=True)
        manager.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            manager.wait(10)
        manager.kill()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    manager.wait()


def _remove(group: Path) -> None:
    """A control group with those in it, which go when their processes are gone."""
    for part in sorted(group.glob("**/"), key=lambda p: -len(p.parts)):
        with contextlib.suppress(OSError):
            part.rmdir()
