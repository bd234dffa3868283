"""The kernel's devices: vivid, a camera that it plays itself, and v4l2loopback."""

from __future__ import annotations

import fcntl
import grp
import os
import struct
import subprocess
import time
from pathlib import Path

from sdcam import resources

OUT = Path("/vmrun/out")  # what is left there is kept
NAME = "StreamDiffusion Cam"
LOOPBACK = "/dev/video10"
_LOOPBACK_OPTIONS = resources.launchd("v4l2loopback.modprobe.conf")
_NODES = Path("/sys/class/video4linux")
_DRIVER = Path("/sys/bus/platform/drivers/vivid")
_PATIENCE = 60.0
_S_CTRL, _OSD_TEXT_MODE, _COUNTERS_ONLY = 0xC008561C, 0x00F0F001, 1

# The bars of vivid's test picture, from left to right, at 75 %.
BARS = (
    ("white", (191, 191, 191)),
    ("yellow", (191, 191, 0)),
    ("cyan", (0, 191, 191)),
    ("green", (0, 191, 0)),
    ("magenta", (191, 0, 191)),
    ("red", (191, 0, 0)),
    ("blue", (0, 0, 191)),
    ("black", (0, 0, 0)),
)


def load_camera() -> None:
    """One webcam, no other node."""
    _modprobe("vivid", "n_devs=1", "node_types=0x1", "num_inputs=1", "input_types=0x0")
    _as_udev_does()
    _write_the_clock_alone()


def unplug_camera() -> None:
    """The device goes at once, whoever uses it; the module when it is let go."""
    for device in _DRIVER.glob("vivid.*"):
        (_DRIVER / "unbind").write_text(device.name)
    _unload("vivid")


def load_loopback(*others: str) -> None:
    """With the options that `sdcam service install` puts in place, then `others`."""
    _modprobe("-C", str(_LOOPBACK_OPTIONS), "v4l2loopback", *others)
    _as_udev_does()


def unload_loopback() -> None:
    _unload("v4l2loopback")


def loopback_format() -> str:
    """What the driver has agreed with who writes, "YU12:640x360@30"; "" while nobody does."""
    return (_NODES / Path(LOOPBACK).name / "format").read_text().strip()


def camera_node() -> str:
    """Of vivid, "/dev/video0"."""
    (entry,) = (name for name in _NODES.glob("*/name") if name.read_text().startswith("vivid"))
    return f"/dev/{entry.parent.name}"


def _write_the_clock_alone() -> None:
    """Else vivid writes all its settings over the bars."""
    camera = os.open(camera_node(), os.O_RDWR)
    try:
        fcntl.ioctl(camera, _S_CTRL, struct.pack("=2I", _OSD_TEXT_MODE, _COUNTERS_ONLY))
    finally:
        os.close(camera)


def _modprobe(*words: str) -> None:
    subprocess.run(["modprobe", *words], check=True)


def _unload(module: str) -> None:
    until = time.monotonic() + _PATIENCE
    while Path("/sys/module", module).exists():
        done = subprocess.run(
            ["modprobe", "-r", module], check=False, capture_output=True, text=True
        )
        if done.returncode and time.monotonic() > until:
            raise AssertionError(done.stderr)
        time.sleep(0.2)


def _as_udev_does() -> None:
    """No udev runs here, which gives cameras to the group "video"."""
    for entry in _NODES.glob("video*"):
        node = Path("/dev") / entry.name
        os.chown(node, 0, grp.getgrnam("video").gr_gid)
        node.chmod(0o660)
