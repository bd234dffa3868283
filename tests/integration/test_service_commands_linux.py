"""`sdcam service` on Linux, with a small systemd in the place of the system's own.

The tools in `fake_system/` are real programs that start real processes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service_machine import PROGRAM, new_machine, runs  # noqa: F401


@pytest.fixture
def linux(machine, monkeypatch, tmp_path):
    monkeypatch.setattr("sdcam.cli.service._SYSTEM", "linux")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    unit = machine.launchd / "streamdiffusion-cam.service"
    unit.write_text(unit.read_text().replace("-m sdcam run --service", str(program)))
    machine.unit = machine.home / ".config/systemd/user/streamdiffusion-cam.service"
    return machine


def test_unit_is_installed_and_ready(linux):
    code, out, err = linux.sdcam("install")
    assert code == 0, err
    status = linux.status()
    assert (status["state"], status["installed"]) == ("active (running)", True)
    linux.until(lambda s: s["note"] == "painting")
    assert linux.calls().index("daemon-reload") < linux.calls().index("enable")
    assert "The service is running" in out


def test_commands_for_a_missing_camera_are_printed(linux):
    out = linux.sdcam("install")[1]
    if "There is no virtual camera" not in out:
        pytest.skip("this machine has the virtual camera")
    commands = [line.strip() for line in out.splitlines() if line.startswith("  sudo ")]
    assert commands[-1] == "sudo modprobe v4l2loopback"
    copied = [c for c in commands if c.startswith("sudo install -m 644 ")]
    assert [c.split()[-1] for c in copied] == [
        "/etc/modules-load.d/streamdiffusion-cam.conf",
        "/etc/modprobe.d/streamdiffusion-cam.conf",
    ]
    assert all(Path(c.split()[-2].strip("'")).is_file() for c in copied)


def test_systemd_restarts_after_a_crash_only(linux):
    linux.sdcam("install")
    first = linux.until_running()
    os.kill(first, signal.SIGKILL)
    second = linux.until_running(other_than=first)
    assert linux.sdcam("stop")[0] == 0
    assert not runs(second)
    time.sleep(0.3)
    assert linux.sdcam("stop") == (0, "The service was not running.\n", "")
    code, out, _ = linux.sdcam("status")
    assert code == 1
    assert "`sdcam service start` starts it" in out
    assert linux.sdcam("start")[0] == 0
    third = linux.until_running(other_than=second)
    assert linux.sdcam("restart")[0] == 0
    linux.until_running(other_than=third)


def test_exit_code_3_is_not_restarted(linux, tmp_path):
    (tmp_path / "program.py").write_text("raise SystemExit(3)")
    code, _, err = linux.sdcam("install")
    assert code == 1
    assert "systemctl --user status" in err
    status = linux.status()
    assert (status["state"], status["last_exit"]) == ("failed", "3 (exit-code)")
    (tmp_path / "program.py").write_text(PROGRAM)
    assert linux.sdcam("start")[0] == 0
    linux.until_running()


def test_install_without_a_session(linux):
    (linux.memory / "session").unlink()
    code, _, err = linux.sdcam("install")
    assert code == 3
    assert "no systemd session" in err
    assert linux.left_in_home() == []
    code, out, _ = linux.sdcam("status")
    assert code == 3
    assert "not installed, inactive" in out


def test_unit_uninstall_leaves_nothing(linux):
    linux.sdcam("install")
    pid = linux.until_running()
    assert linux.sdcam("uninstall")[0] == 0
    assert not runs(pid)
    assert linux.left_in_home() == []
    assert linux.sdcam("uninstall") == (0, "The service is not installed.\n", "")
    assert linux.sdcam("stop")[0] == 3
    assert linux.sdcam("status")[0] == 3


def test_logs_shows_the_last_lines(linux):
    code, _, err = linux.sdcam("logs")
    assert code == 3
    assert "journalctl --user -u streamdiffusion-cam" in err
    log = linux.home / ".local/state/streamdiffusion-cam/log/sdcam.log"
    log.parent.mkdir(parents=True)
    log.write_text("one\ntwo\nthree\n")
    code, out, err = linux.sdcam("logs", "-n", "2")
    assert (code, out) == (0, "two\nthree\n")
    assert "journalctl" in err
    assert linux.sdcam("logs", "-n", "0")[1] == ""


def test_logs_follows_the_installed_configuration(linux, tmp_path):
    assert linux.sdcam("logs")[0] == 3
    config = tmp_path / 'my "50%" $cam.toml'
    config.write_text(f'service.log_file = "{tmp_path}/mine.log"\n')
    (tmp_path / "mine.log").write_text("mine\n")
    assert linux.sdcam("install", "--config", str(config))[0] == 0
    assert linux.sdcam("logs")[:2] == (0, "mine\n")


@pytest.mark.parametrize("words", [["-n", "-1"], ["-n", "x"]])
def test_logs_refuses_wrong_numbers(linux, words, capsys):
    with pytest.raises(SystemExit):
        linux.sdcam("logs", *words)
    assert "not a number of lines" in capsys.readouterr().err


def test_ctrl_c_ends_logs_follow(tmp_path):
    log = tmp_path / "state/streamdiffusion-cam/log/sdcam.log"
    log.parent.mkdir(parents=True)
    log.write_text("one\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "sdcam", "service", "logs", "-f"],
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "one\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20)[1] == ""
    assert process.returncode == 0


def test_unknown_action_lists_the_actions(linux, capsys):
    with pytest.raises(SystemExit):
        linux.sdcam("foo")
    told = capsys.readouterr().err
    assert "install" in told
    assert "ask-permission" not in told
