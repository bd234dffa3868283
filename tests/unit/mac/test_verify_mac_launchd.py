"""The steps about launchd on real processes: the small launchd of tests/integration, the app
compiled here, and `sdcam service` itself."""

from __future__ import annotations

import os
import plistlib
import shutil
import sys
from pathlib import Path

import pytest
from verify_mac.launchd import LAST_STEPS, STEPS
from verify_mac.mac import Done, Mac
from verify_mac.permission import STEPS as PERMISSION
from verify_mac.step import Verdict

from sdcam.errors import MissingError
from sdcam.install.app_bundle import find_libpython
from service_machine import PROGRAM, new_machine  # noqa: F401

# The steps wait with timeouts.
pytestmark = pytest.mark.alone
_TAKEN = ("service", "app-python", "launchctl", "authorization", "crash", "stop-start", "trust")


class MacHere(Mac):
    """The steps' Mac over the machine of the integration tests."""

    def __init__(self, machine):
        super().__init__(Path(__file__).parents[3], machine.memory, attended=False)
        self.home = machine.home
        self.machine = machine
        # What the app's Python would find in its venv.
        self._environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    def sdcam(self, *words, seconds=60.0):
        service, *rest = words
        assert service == "service"
        return Done(*self.machine.sdcam(*map(str, rest)))

    def wait(self, seconds):
        super().wait(min(seconds, 0.6))  # its launchd is a hundred times as fast


@pytest.fixture
def here(machine, monkeypatch):
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler: the steps about launchd were NOT tested")
    try:
        find_libpython()
    except MissingError as error:
        pytest.skip(f"the steps about launchd were NOT tested: {error}")
    monkeypatch.setattr("sdcam.cli.service._SYSTEM", "darwin")
    template = machine.launchd / "com.streamdiffusion-cam.daemon.plist"
    told = plistlib.loads(template.read_bytes())
    told["ProgramArguments"] = ["LAUNCHER", "-c", PROGRAM]
    template.write_bytes(plistlib.dumps(told))
    return MacHere(machine)


def taken(mac, name):
    every = (*STEPS, *PERMISSION, *LAST_STEPS)
    return next(step for step in every if step.id == name).act(mac)


def test_launchd_steps_pass_on_real_processes(here):
    for name in (*_TAKEN, "uninstall"):
        result = taken(here, name)
        assert result.verdict is Verdict.PASS, f"{name}: {result}"
    assert here.machine.left_in_home() == []


def test_no_login_at_the_screen_skips(here):
    (here.machine.memory / "logged-in").unlink()
    result = taken(here, "service")
    assert result.verdict is Verdict.SKIPPED
    assert "Nobody is logged in" in result.sentence
    assert here.machine.left_in_home() == []


def test_service_that_does_not_restart_fails(here, monkeypatch):
    assert taken(here, "service").verdict is Verdict.PASS
    plist = here.machine.home / "Library/LaunchAgents/com.streamdiffusion-cam.daemon.plist"
    told = plistlib.loads(plist.read_bytes())
    assert told.pop("KeepAlive")
    plist.write_bytes(plistlib.dumps(told))
    assert here.machine.sdcam("restart")[0] == 0
    monkeypatch.setattr("verify_mac.launchd._RESTART_SECONDS", 1.5)
    result = taken(here, "crash")
    assert (result.verdict, "did not start it again" in result.sentence) == (Verdict.FAIL, True)
