"""`sdcam service` on macOS, with a small launchd in the place of the system's own.

The tools in `fake_system/` are real programs that start real processes; the app is really compiled,
and its launcher really runs.
"""

from __future__ import annotations

import os
import plistlib
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from sdcam.errors import MissingError
from sdcam.install.app_bundle import find_libpython
from service_machine import FAKES, PROGRAM, new_machine, runs  # noqa: F401


@pytest.fixture(scope="module", autouse=True)
def _a_shared_python():
    try:
        find_libpython()
    except MissingError as error:
        pytest.skip(f"the app cannot be built with this Python: {error}")


@pytest.fixture
def mac(machine, monkeypatch):
    monkeypatch.setattr("sdcam.cli.service._SYSTEM", "darwin")
    template = machine.launchd / "com.streamdiffusion-cam.daemon.plist"
    told = plistlib.loads(template.read_bytes())
    told["ProgramArguments"] = ["LAUNCHER", "-c", PROGRAM]
    template.write_bytes(plistlib.dumps(told))
    machine.plist = machine.home / "Library/LaunchAgents/com.streamdiffusion-cam.daemon.plist"
    machine.app = machine.home / "Applications/StreamDiffusion Cam.app"
    machine.launcher = machine.app / "Contents/MacOS/StreamDiffusion Cam"
    return machine


def test_installed_service_runs_as_the_app(mac):
    before = os.umask(0o002)  # a group that may write, by default
    code, out, err = mac.sdcam("install")
    os.umask(before)
    assert code == 0, err
    assert "is built" in out
    pid = mac.until_running()
    assert Path(psutil.Process(pid).exe()) == mac.launcher
    assert mac.plist.stat().st_mode & 0o777 == 0o644
    code, out, _ = mac.sdcam("status")
    assert code == 0
    assert f"process     {pid}" in out
    # The question comes while the user looks, and before the service needs the camera.
    assert mac.calls().index("open -n -W") < mac.calls().index("bootstrap gui/")
    requirement = 'designated => identifier "com.streamdiffusion-cam.app"'
    assert f"--identifier com.streamdiffusion-cam.app --requirements ={requirement}" in mac.calls()


def test_launchd_restarts_after_a_crash_only(mac):
    mac.sdcam("install")
    first = mac.until_running()
    os.kill(first, signal.SIGKILL)
    second = mac.until_running(other_than=first)
    assert mac.status()["last_exit"] == "Killed: 9"
    os.kill(second, signal.SIGTERM)  # `launchctl kill`, or the user
    mac.until(lambda s: s["pid"] is None)
    time.sleep(0.3)  # three times what launchd waits between two starts here
    assert mac.sdcam("status")[0] == 1
    assert mac.status()["last_exit"] == "0"
    assert mac.sdcam("start")[0] == 0
    mac.until_running(other_than=second)


def test_stop_waits_and_stays_stopped(mac):
    mac.sdcam("install")
    pid = mac.until_running()
    assert mac.sdcam("stop") == (0, "The service has stopped.\n", "")
    assert not runs(pid)
    time.sleep(0.3)
    assert mac.status()["pid"] is None
    assert mac.sdcam("stop") == (0, "The service was not running.\n", "")
    assert mac.sdcam("start")[0] == 0
    assert mac.until_running(other_than=pid)
    assert "already running" in mac.sdcam("start")[1]


def test_stop_between_crash_and_restart(mac):
    mac.sdcam("install")
    pid = mac.until_running()
    os.kill(pid, signal.SIGKILL)
    assert mac.sdcam("stop")[0] == 0
    time.sleep(0.3)
    assert mac.status()["pid"] is None


def test_restart_waits_for_the_old_process(mac):
    mac.sdcam("install")
    before = mac.until_running()
    assert mac.sdcam("restart")[0] == 0
    assert not runs(before)
    mac.until_running(other_than=before)


def test_second_install_keeps_the_app(mac):
    mac.sdcam("install")
    before = mac.until_running()
    built = mac.launcher.stat().st_ino
    config = mac.home / "other.toml"
    config.write_text('[look]\nprompt = "anime"\n')
    code, out, err = mac.sdcam("install", "--config", str(config))
    assert (code, err) == (0, "")
    assert "up to date" in out
    assert mac.launcher.stat().st_ino == built
    mac.until_running(other_than=before)
    words = plistlib.loads(mac.plist.read_bytes())["ProgramArguments"]
    assert words[-2:] == ["--config", str(config)]


def test_logs_follows_the_installed_configuration(mac):
    config = mac.home / "other.toml"
    config.write_text(f'service.log_file = "{mac.home}/mine.log"\n')
    (mac.home / "mine.log").write_text("mine\n")
    assert mac.sdcam("install", "--config", str(config))[0] == 0
    assert mac.sdcam("logs")[:2] == (0, "mine\n")
    mac.plist.write_text("<plist>")
    assert mac.sdcam("logs")[0] == 3


def test_install_takes_sdcam_config(mac, monkeypatch):
    config = mac.home / "cam.toml"
    config.touch()
    monkeypatch.setenv("SDCAM_CONFIG", str(config))
    monkeypatch.setenv("SDCAM_LOOK__PROMPT", "anime")
    assert "SDCAM_LOOK__PROMPT: set in this terminal" in mac.sdcam("install")[1]
    words = plistlib.loads(mac.plist.read_bytes())["ProgramArguments"]
    assert words[-2:] == ["--config", str(config)]


def test_tampered_app_is_rebuilt(mac):
    mac.sdcam("install")
    (mac.app / "Contents/Resources/python.txt").write_text("/elsewhere\n/python\n")
    assert "is built" in mac.sdcam("install")[1]
    mac.until_running()


def test_install_without_a_login_at_the_screen(mac):
    (mac.memory / "logged-in").unlink()
    code, _, err = mac.sdcam("install")
    assert code == 3
    assert "Nobody is logged in at this Mac's screen" in err
    assert "error 5" in err
    assert mac.left_in_home() == []


def test_bootstrap_error_5_is_explained(mac):
    mac.sdcam("install")
    mac.sdcam("stop")
    (mac.memory / "logged-in").unlink()
    code, _, err = mac.sdcam("start")
    assert code == 3
    assert "Nobody is logged in" in err


def test_bootstrap_error_122_is_explained(mac):
    mac.sdcam("install")
    mac.sdcam("stop")
    mac.plist.chmod(0o664)
    code, _, err = mac.sdcam("start")
    assert code == 1
    assert f"chmod 644 '{mac.plist}'" in err


def test_damaged_plist_is_named(mac, monkeypatch):
    monkeypatch.setattr("sdcam.install.launchctl._RACE_SECONDS", 0.5)
    mac.sdcam("install")
    mac.sdcam("stop")
    mac.plist.write_text("<plist>")
    code, _, err = mac.sdcam("start")
    assert code == 1
    assert f"plutil -lint '{mac.plist}'" in err


def test_disabled_service_is_enabled_by_start(mac):
    mac.sdcam("install")
    mac.sdcam("stop")
    (mac.memory / "disabled" / "com.streamdiffusion-cam.daemon").touch()
    assert "disabled" in mac.sdcam("status")[1]
    assert mac.sdcam("start")[0] == 0
    mac.until_running()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("DENIED", "Privacy & Security > Camera"),
        ("NO_PICTURES", "no picture came"),
        ("NO_CAMERA", "no camera is plugged in"),
    ],
)
def test_install_without_camera_permission(mac, answer, expected):
    mac.user_says(answer)
    code, _, err = mac.sdcam("install")
    assert code == 3
    assert expected in err
    mac.until_running()


def test_app_that_does_not_start(mac):
    (mac.memory / "user-says").unlink()
    code, _, err = mac.sdcam("install")
    assert code == 3
    assert "The service is installed, but the app did not start" in err


def test_install_without_a_compiler(mac, monkeypatch):
    (mac.memory / "python3").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", f"{FAKES}:{mac.memory}")
    code, _, err = mac.sdcam("install")
    assert code == 3
    assert "xcode-select --install" in err
    assert mac.left_in_home() == []


def test_compiler_error_is_quoted(mac):
    (mac.launchd / "app" / "launcher.c").write_text("int main(void) { return nonsense; }")
    code, _, err = mac.sdcam("install")
    assert code == 1
    assert "nonsense" in err
    assert mac.left_in_home() == []


def test_uninstall_leaves_nothing(mac):
    mac.sdcam("install")
    pid = mac.until_running()
    assert mac.left_in_home() != []
    assert mac.sdcam("uninstall")[0] == 0
    assert not runs(pid)
    assert mac.left_in_home() == []
    assert not (mac.home / "Applications").exists()
    assert "tccutil reset Camera com.streamdiffusion-cam.app" in mac.calls()
    assert mac.sdcam("uninstall") == (0, "The service is not installed.\n", "")
    assert mac.sdcam("stop")[0] == 3
    code, out, _ = mac.sdcam("status")
    assert code == 3
    assert "sdcam service install" in out
    assert mac.sdcam("start")[0] == 3


def test_early_output_is_kept(mac):
    mac.sdcam("install")
    mac.until_running()
    code, _, err = mac.sdcam("logs")
    assert code == 3
    log = Path(err.strip().rpartition(" ")[2])
    assert log.name == "launchd.log"
    assert log.read_text().startswith("started")


@pytest.mark.parametrize("system", ["darwin", "linux"])
def test_wrong_configuration_is_not_installed(machine, monkeypatch, system):
    monkeypatch.setattr("sdcam.cli.service._SYSTEM", system)
    config = machine.home / "cam.toml"
    config.write_text("[look]\nstrenght = 0.5\n")
    monkeypatch.setenv("SDCAM_CONFIG", str(config))
    code, _, err = machine.sdcam("install")
    assert code == 2
    assert "cam.toml, line 2" in err
    assert machine.left_in_home() == ["cam.toml"]


@pytest.mark.parametrize("system", ["win32", "freebsd14"])
def test_unsupported_system_is_refused(machine, monkeypatch, system):
    monkeypatch.setattr("sdcam.cli.service._SYSTEM", system)
    code, _, err = machine.sdcam("install")
    assert code == 2
    assert system in err


@pytest.mark.parametrize("system", ["darwin", "linux"])
def test_sudo_is_refused(machine, monkeypatch, system):
    monkeypatch.setattr("sdcam.cli.service._SYSTEM", system)
    monkeypatch.setenv("SUDO_UID", "501")
    code, _, err = machine.sdcam("install")
    assert code == 2
    assert "sudo" in err
    assert machine.left_in_home() == []
