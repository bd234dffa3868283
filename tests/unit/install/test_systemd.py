"""The systemd unit as systemd reads it, and the commands that make the virtual camera."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from sdcam import resources
from sdcam.errors import UsageError
from sdcam.install.systemd import UNIT, UserUnit, how_to_get_the_camera, render
from sdcam.platforms.loopback_setup import install_command
from sdcam.platforms.names import CAMERA_NAME


def command_in(unit: str) -> str:
    (line,) = (line for line in unit.splitlines() if line.startswith("ExecStart="))
    return line.removeprefix("ExecStart=")


def test_awkward_paths_are_quoted():
    """systemd.service(5): "%%" everywhere, "$$" in arguments only."""
    unit = render(Path('/home/a b/50%/$x/"y"/bin/python'), Path("/etc/my $cam 50%.toml"))
    assert command_in(unit) == (
        r'"/home/a b/50%%/$x/\"y\"/bin/python" -m sdcam run --service '
        r'--config "/etc/my $$cam 50%%.toml"'
    )


@pytest.mark.parametrize("path", ["/tmp/a\nExecStartPre=/bin/evil", "/tmp/\x1b[2J"])
def test_paths_with_control_characters_are_refused(path):
    with pytest.raises(UsageError, match="cannot hold the path"):
        render(Path("/usr/bin/python3"), Path(path))
    with pytest.raises(UsageError, match="cannot hold the path"):
        render(Path(path))


@pytest.mark.parametrize("name", ["my cam.toml", '$cam "50%" \\ ü.toml', "a\u2028b.toml"])
def test_installed_paths_are_read_back(tmp_path, monkeypatch, name):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    agent = UserUnit()
    agent.definition.parent.mkdir(parents=True)
    agent.definition.write_text(render(tmp_path / name / "python", tmp_path / name), "utf-8")
    assert agent.configuration() == tmp_path / name
    assert agent.programs() == [tmp_path / name / "python"]


@pytest.mark.parametrize("folder", ["venv", "pay$day 100% venv"])
def test_systemd_accepts_the_unit(tmp_path, folder):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here: the unit was NOT verified")
    python = tmp_path / folder / "python"
    python.parent.mkdir()
    python.symlink_to("/bin/true")
    unit = tmp_path / UNIT
    unit.write_text(render(python, tmp_path / "my $cam.toml"))
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", unit],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def sys_root(tmp_path):
    (tmp_path / "class" / "video4linux").mkdir(parents=True)
    return tmp_path


def test_existing_camera_needs_no_commands(sys_root):
    device = sys_root / "devices/virtual/video4linux/video10"
    device.mkdir(parents=True)
    (device / "name").write_text("StreamDiffusion Cam\n")
    (sys_root / "class/video4linux/video10").symlink_to(device)
    assert how_to_get_the_camera(sys_root) == []


def test_missing_module_is_installed_first(sys_root):
    first, *commands = how_to_get_the_camera(sys_root)
    assert 'no virtual camera "StreamDiffusion Cam"' in first
    assert commands[0].strip() == install_command()
    assert not any("modprobe -r" in command for command in commands)


def test_module_without_our_camera_is_loaded_again(sys_root):
    (sys_root / "module" / "v4l2loopback").mkdir(parents=True)
    commands = [shlex.split(c, comments=True) for c in how_to_get_the_camera(sys_root)][1:]
    assert ["sudo", "modprobe", "-r", "v4l2loopback"] in commands
    assert commands[-1] == ["sudo", "modprobe", "v4l2loopback"]


def test_module_options_make_our_camera():
    """modprobe.d(5), and how v4l2loopback parses a label with a blank."""
    text = resources.launchd("v4l2loopback.modprobe.conf").read_text()
    (line,) = (line for line in text.splitlines() if not line.startswith("#"))
    options, module, *values = shlex.split(line)
    assert (options, module) == ("options", "v4l2loopback")
    assert {"exclusive_caps=1", f"card_label={CAMERA_NAME}"} <= set(values)
