"""The real service, from `sdcam service install` to `uninstall`. Only launchd and systemd are
replaced."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest

from sdcam.control.client import ask
from sdcam.errors import MissingError, SdcamError
from sdcam.install.app_bundle import find_libpython
from service_machine import CONFIG, TINY, new_machine, runs  # noqa: F401

PATIENCE = 60.0


@pytest.fixture(params=["darwin", "linux"])
def installed(request, machine, monkeypatch, tmp_path):
    if request.param == "darwin":
        try:
            find_libpython()
        except MissingError as error:
            pytest.skip(f"the app was NOT tested with the real service: {error}")
    monkeypatch.setattr("sdcam.cli.service._SYSTEM", request.param)
    monkeypatch.setenv("FAKE_SYSTEM_SPEED", "10")
    machine.socket = tmp_path / "run" / "control.sock"
    config = machine.home / "config.toml"
    config.write_text(CONFIG.format(model=TINY, socket=machine.socket))
    code, _, err = machine.sdcam("install", "--config", str(config))
    assert code == 0, err
    return machine


def answers(machine, other_than: int | None = None) -> int:
    """Waits until the service answers on its socket, and returns its process."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            ask(machine.socket, "status")
        except SdcamError:
            time.sleep(0.05)
            continue
        if (pid := machine.status()["pid"]) not in (None, other_than):
            return pid
    raise AssertionError(machine.status())


def test_installed_service_survives_missing_devices_and_a_crash(installed):
    first = answers(installed)
    # There is neither camera nor virtual camera: the service says so, and waits.
    deadline = time.monotonic() + PATIENCE
    while not ask(installed.socket, "status")["faults"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert runs(first)
    os.kill(first, signal.SIGKILL)
    second = answers(installed, other_than=first)
    family = [second, *(child.pid for child in psutil.Process(second).children(recursive=True))]
    code, out, _ = installed.sdcam("logs")
    assert code == 0
    assert "nobody has" in out
    assert installed.sdcam("stop")[0] == 0
    assert not any(runs(each) for each in family)
    assert installed.sdcam("uninstall")[0] == 0
    caches = (".cache/", "Library/Caches/")  # uninstall keeps them
    assert [f for f in installed.left_in_home() if not f.startswith(caches)] == ["config.toml"]
