"""`sdcam doctor` on Linux: cameras and v4l2loopback, each trouble staged."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

import pytest
from doctor_stage import Stage

from sdcam.doctor import Verdict
from sdcam.errors import ExitCode
from sdcam.platforms.loopback import LoopbackState

CAM = "StreamDiffusion Cam"
SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


@pytest.fixture
def stage(tmp_path, monkeypatch):
    return Stage(tmp_path, monkeypatch)


def test_healthy_machine_is_ok(stage):
    stage.camera(0, "Integrated Camera")
    stage.loopback(10, CAM)
    stage.loaded(exclusive_caps="Y,N,N", video_nr="10,-1,-1")
    names = ("found", "access", "v4l2loopback", "name", "exclusive_caps")
    assert {stage.finding(name).verdict for name in names} == {Verdict.OK}
    assert stage.finding("in use", "Virtual camera").found == "/dev/video10 is free"


def test_no_camera_at_all(stage):
    found = stage.finding("found")
    assert (found.found, found.exit_code) == ("No camera was found.", ExitCode.MISSING)


def test_our_own_camera_is_no_source(stage):
    stage.loopback(10, CAM, LoopbackState.WRITTEN)
    found = stage.finding("found")
    assert f'"{CAM}": it is the virtual camera that sdcam feeds' in found.found
    assert found.exit_code is ExitCode.MISSING


def test_configured_camera_not_found(stage, monkeypatch):
    stage.camera(0, "Integrated Camera")
    monkeypatch.setenv("SDCAM_CAMERA__DEVICE", "C920")
    found = stage.finding("found")
    assert found.found == 'There is no camera "C920".'
    assert found.fix == ('There are: "Integrated Camera" (0).',)


def test_camera_without_permission(stage, monkeypatch):
    video = grp.struct_group(("video", "x", 44_444, []))
    monkeypatch.setattr(grp, "getgrgid", lambda gid: video)
    node = stage.camera(0, "Integrated Camera")
    stage.closed.add(stage.root / node.lstrip("/"))
    found = stage.finding("access")
    assert found.found == 'This user may not open "Integrated Camera" (/dev/video0).'
    assert found.exit_code is ExitCode.MISSING
    assert found.fix[0].startswith("sudo usermod -aG video ")


def test_group_joined_after_login(stage, monkeypatch):
    me = pwd.getpwuid(os.getuid()).pw_name
    video = grp.struct_group(("video", "x", 44_444, [me]))
    monkeypatch.setattr(grp, "getgrgid", lambda gid: video)
    stage.closed.add(stage.root / stage.camera(0, "Integrated Camera").lstrip("/"))
    assert stage.finding("access").fix[0].endswith("but not since this login: log out and in.")


def test_camera_open_in_another_program(stage):
    stage.opened(stage.camera(0, "Integrated Camera"), "zoom", 4711)
    found = stage.finding("in use", "Camera")
    assert found.verdict is Verdict.WARNING
    assert "is open in zoom (pid 4711)" in found.found


@pytest.mark.parametrize(
    ("distribution", "command"),
    [
        ("ID=ubuntu\nID_LIKE=debian", "sudo apt install v4l2loopback-dkms"),
        ("ID=fedora", "sudo dnf install akmod-v4l2loopback"),
        ('ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"', "sudo zypper install"),
        ("ID=void", "Install your distribution's v4l2loopback"),
    ],
)
def test_module_not_installed(stage, distribution, command):
    stage.file("/etc/os-release", distribution)
    found = stage.finding("v4l2loopback")
    assert (found.found, found.exit_code) == (
        "v4l2loopback is not installed.",
        ExitCode.MISSING,
    )
    assert found.fix[0].startswith(command)
    for_good = [line.split() for line in found.fix if line.startswith("sudo install -m 644 ")]
    assert [Path(words[-2]).is_file() for words in for_good] == [True, True]  # of the package


def test_module_not_loaded(stage):
    stage.program("modinfo", "/lib/modules/6.1.0-9-amd64/updates/dkms/v4l2loopback.ko\n")
    found = stage.finding("v4l2loopback")
    assert found.found == "v4l2loopback is installed, but not loaded."
    assert found.fix[0] == f'sudo modprobe v4l2loopback exclusive_caps=1 card_label="{CAM}"'


def test_module_built_for_another_kernel(stage):
    stage.file("/etc/debian_version")
    stage.file("/lib/modules/6.1.0-8-amd64/updates/dkms/v4l2loopback.ko.xz")
    found = stage.finding("v4l2loopback")
    assert found.found == (
        "v4l2loopback is built for kernel 6.1.0-8-amd64, and 6.1.0-9-amd64 is running."
    )
    assert "linux-headers-6.1.0-9-amd64 && sudo dkms autoinstall" in found.fix[0]


def test_device_without_exclusive_caps(stage):
    stage.loopback(9, "Other")
    stage.loopback(10, CAM)
    stage.loaded(exclusive_caps="Y,N,N", video_nr="-1,-1,-1")
    found = stage.finding("exclusive_caps")
    assert found.found.startswith("/dev/video10 was made without exclusive_caps=1")
    assert found.exit_code is ExitCode.FAULT


def test_device_with_another_label(stage):
    stage.loopback(0, "Dummy video device (0x0000)")
    stage.loaded()
    found = stage.finding("name")
    assert f'no virtual camera "{CAM}"; v4l2loopback has "Dummy video' in found.found
    assert found.exit_code is ExitCode.MISSING
    assert found.fix[0].startswith("sudo modprobe -r v4l2loopback && sudo modprobe v4l2loopback")


def test_reload_names_programs_to_close(stage):
    stage.opened(stage.loopback(10, CAM), "chromium", 7)
    stage.loaded(exclusive_caps="N", video_nr="10")
    found = stage.finding("exclusive_caps")
    assert found.fix[0] == "Close first: chromium (pid 7)"


def test_virtual_camera_written_by_another_program(stage):
    node = stage.loopback(10, CAM, LoopbackState.WRITTEN)
    stage.loaded(exclusive_caps="Y", video_nr="10")
    stage.opened(node, "obs", 99)
    found = stage.finding("in use", "Virtual camera")
    assert found.found == "Another program writes to /dev/video10: obs (pid 99)."
    assert found.exit_code is ExitCode.MISSING


def test_secure_boot_refuses_an_unsigned_module(stage):
    stage.file(SECURE_BOOT, b"\x06\0\0\0\x01")
    stage.file("/var/lib/dkms/mok.pub")
    stage.script("modinfo", 'case "$*" in *filename*) echo /lib/v4l2loopback.ko;; esac')
    found = stage.finding("secure boot")
    assert found.found.startswith("Secure Boot is on and v4l2loopback is not signed")
    assert "sudo mokutil --import /var/lib/dkms/mok.pub" in found.fix


def test_stuck_device_of_an_old_driver(stage):
    stage.loopback(10, CAM, LoopbackState.STUCK)
    stage.loaded(exclusive_caps="Y", video_nr="10")
    found = stage.finding("in use", "Virtual camera")
    assert found.found.startswith("/dev/video10 did not notice that its last writer left")
    assert found.verdict is Verdict.WARNING


def test_app_selected_the_camera_too_early(stage):
    stage.opened(stage.loopback(10, CAM), "chromium", 7)
    stage.loaded(exclusive_caps="Y", video_nr="10")
    found = stage.finding("in use", "Virtual camera")
    assert (found.verdict, found.found) == (
        Verdict.WARNING,
        "/dev/video10 is open in chromium (pid 7).",
    )


def test_virtual_camera_written_by_a_hidden_program(stage):
    stage.loopback(10, CAM, LoopbackState.WRITTEN)
    stage.loaded(exclusive_caps="Y", video_nr="10")
    assert "or one did and was killed" in stage.finding("in use", "Virtual camera").found


@pytest.mark.parametrize(("state", "verdict"), [("enabled", "warning"), ("disabled", None)])
def test_secure_boot_from_mokutil(stage, state, verdict):
    stage.program("mokutil", f"SecureBoot {state}\n")
    stage.program("modinfo", "DKMS module signing key\n")
    found = stage.finding("secure boot")
    assert found.verdict.value == (verdict or "not applicable")
