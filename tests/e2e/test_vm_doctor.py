"""What `sdcam cameras`, `doctor` and `run` say of real devices, and with which exit codes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from vm_devices import LOOPBACK, NAME, camera_node, load_loopback, unload_loopback
from vm_user import User

from sdcam.errors import ExitCode

_HERE = Path(__file__).parent
pytestmark = pytest.mark.usefixtures("devices")


@contextmanager
def program(user: User, *words: str) -> Iterator[str]:
    """One of the same user that says "ready" or "streams" and stays; how the product names it."""
    process = user.start([sys.executable, *words], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert any(line.split()[:1] in (["streams"], ["ready"]) for line in process.stdout)
        yield f"(pid {process.pid})"
    finally:
        process.kill()
        process.communicate()


def test_the_camera_is_named_and_our_own_is_never_offered(user: User) -> None:
    listed = user.sdcam("cameras").stdout.splitlines()
    (camera,) = (line for line in listed if camera_node() in line)
    (ours,) = (line for line in listed if LOOPBACK in line)
    assert camera.startswith("*") and "vivid" in camera
    assert ours.startswith("-") and NAME in ours and "sdcam feeds" in ours
    refused = user.sdcam("run", "--source", f"camera:{NAME}", "--output", "null", "--frames", "1")
    assert refused.returncode == ExitCode.MISSING
    assert "cannot be the source: it is the virtual camera that sdcam feeds" in refused.stdout


def test_everything_is_green_for_an_ordinary_user(user: User) -> None:
    told = user.sdcam("doctor")
    assert told.returncode == 0
    assert "All is well." in told.stdout
    assert f'"vivid" ({camera_node()})' in told.stdout
    assert f'"{NAME}" is {LOOPBACK}' in told.stdout
    assert "come: 320x180" in told.stdout


def test_who_is_not_in_the_group_is_told_so(user: User) -> None:
    told = user.sdcam("doctor", "--no-camera", cameras=False)
    assert told.returncode == ExitCode.MISSING
    assert f'This user may not open "vivid-000-vid-cap" ({camera_node()})' in told.stdout
    assert f"This user may not write to {LOOPBACK}." in told.stdout
    assert f"sudo usermod -aG video {user.name}" in told.stdout


def test_a_camera_in_use_is_told_with_the_program(user: User) -> None:
    reader = ("-I", "-S", str(_HERE / "vm_reader.py"), camera_node(), "stream")
    with program(user, *reader) as busy:
        told = user.sdcam("doctor")
        refused = user.sdcam("run", "--output", "null", "--frames", "1")
    for answer in (told, refused):
        assert answer.returncode == ExitCode.MISSING
        assert f'"vivid" ({camera_node()}) is in use by ' in answer.stdout
        assert busy in answer.stdout


def test_a_virtual_camera_that_another_program_feeds_is_told(user: User) -> None:
    with program(user, str(_HERE / "vm_writer.py")) as busy:
        told = user.sdcam("doctor", "--no-camera")
        refused = user.sdcam("run", "--source", "test", "--frames", "1")
    assert told.returncode == ExitCode.MISSING
    assert f"Another program writes to {LOOPBACK}: " in told.stdout
    assert busy in told.stdout
    assert refused.returncode == ExitCode.MISSING
    assert f"Another program writes to {LOOPBACK}: " in refused.stdout
    assert busy in refused.stdout


def test_a_virtual_camera_that_chrome_would_not_list_is_told(user: User) -> None:
    unload_loopback()
    load_loopback("exclusive_caps=0")
    told = user.sdcam("doctor", "--no-camera")
    assert told.returncode == ExitCode.FAULT
    assert f"{LOOPBACK} was made without exclusive_caps=1" in told.stdout
    assert f'exclusive_caps=1 card_label="{NAME}"' in told.stdout


def test_a_virtual_camera_of_another_name_is_told(user: User) -> None:
    unload_loopback()
    load_loopback("card_label=Dummy")
    told = user.sdcam("doctor", "--no-camera")
    refused = user.sdcam("run", "--source", "test", "--frames", "1")
    assert told.returncode == ExitCode.MISSING
    assert f'no virtual camera "{NAME}"; v4l2loopback has "Dummy" ({LOOPBACK})' in told.stdout
    assert refused.returncode == ExitCode.MISSING
    assert f'There is no virtual camera "{NAME}".' in refused.stdout
