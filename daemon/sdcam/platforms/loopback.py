"""v4l2loopback (Linux): its devices by label, the state of each, and how the module is loaded.

With exclusive_caps the capabilities of a device tell its state. Up to v4l2loopback 0.12.7, which
Debian 12 has, the driver does not notice that a writer closed the device unless that writer had
asked for streaming, which pyvirtualcam does not. The device then looks written as long as an app
shows it; after that it is neither camera nor output, and nobody can write to it (v4l2loopback#470,
pyvirtualcam#61).
"""

from __future__ import annotations

import contextlib
import os
import time
from enum import Enum
from pathlib import Path

from sdcam.errors import MissingError
from sdcam.platforms import read_text, v4l2
from sdcam.platforms.loopback_setup import install_command
from sdcam.platforms.names import CAMERA_NAME

DRIVERS = ("v4l2 loopback", "v4l2loopback")
SYS = Path("/sys")

_SILENCE_SECONDS = 2.0  # a writer at rest still sends a frame every second
_POLL_SECONDS = 0.02
_I420 = "YU12"
# V4L2_EVENT_PRIVATE_START + V4L2LOOPBACK_EVENT_OFFSET + 1, of v4l2loopback.h 0.13.2 to 0.15
CLIENT_USAGE = 0x08000000 + 0x08E00000 + 1


def load_command(label: str = CAMERA_NAME) -> str:
    # Chrome and Zoom list only devices that are a camera and nothing else: exclusive_caps.
    return f'sudo modprobe v4l2loopback exclusive_caps=1 card_label="{label}"'


def reload_command(label: str = CAMERA_NAME) -> str:
    return f"sudo modprobe -r v4l2loopback && {load_command(label)}"


def module_is_loaded(sys_root: Path = SYS) -> bool:
    return (sys_root / "module" / "v4l2loopback").is_dir()


def module_version(sys_root: Path = SYS) -> tuple[int, ...]:
    """(0, 13, 2) of the loaded module; empty before 0.13, which does not tell it."""
    parts = read_text(sys_root / "module/v4l2loopback/version").split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()


def loopback_devices(sys_root: Path = SYS) -> dict[str, str]:
    """Node ("/dev/video10") to label, by number: the video devices that no bus has."""
    nodes = sorted(
        (sys_root / "class/video4linux").glob("video*"), key=lambda node: int(node.name[5:] or 0)
    )
    return {
        f"/dev/{node.name}": read_text(node / "name")
        for node in nodes
        if Path(os.path.realpath(node)).parent.parent.name == "virtual"
    }


def find_loopback(device: str, sys_root: Path = SYS) -> str:
    """The node ("/dev/videoN") of the device with the label `device`; a node is returned as it is.

    Raises:
        MissingError: v4l2loopback is not loaded, or has no such device.
    """
    if device.startswith("/dev/"):
        if not (sys_root / "class/video4linux" / Path(device).name).exists():
            raise MissingError(f"{device} does not exist.", _how_to_load(CAMERA_NAME, sys_root))
        return device
    for node, label in loopback_devices(sys_root).items():
        if label == device:
            return node
    raise MissingError(f'There is no virtual camera "{device}".', _how_to_load(device, sys_root))


class LoopbackState(Enum):
    ANOTHER = "a device of another driver"
    BOTH = "camera and output at once: made without exclusive_caps"
    WRITTEN = "a camera: a program writes to it"
    FREE = "an output: it waits for a writer"
    STUCK = "neither: the last writer left and the driver did not notice"


def query_state(node: str) -> LoopbackState:
    """What the device says of itself.

    Raises:
        OSError: the node cannot be opened, or is no Video4Linux node.
    """
    capability = v4l2.query_capability(node)
    if capability.driver not in DRIVERS:
        return LoopbackState.ANOTHER
    if capability.captures:
        return LoopbackState.BOTH if capability.takes_output else LoopbackState.WRITTEN
    return LoopbackState.FREE if capability.takes_output else LoopbackState.STUCK


def real_state(node: str, sys_root: Path = SYS) -> LoopbackState:
    """As `query_state`, but STUCK where the device calls itself written and gets no frame for two
    seconds. Newer drivers are believed: they would count our reading as an app.

    Raises:
        OSError: as `query_state`.
    """
    state = query_state(node)
    if state is not LoopbackState.WRITTEN or notices_closed_writer(sys_root):
        return state
    return LoopbackState.STUCK if _is_silent(node) else state


def notices_closed_writer(sys_root: Path = SYS) -> bool:
    """Whether the driver is 0.13 or later, which tell their version."""
    return (sys_root / "module/v4l2loopback/version").exists()


def free(node: str) -> None:
    """Makes a stuck device an output again.

    The driver notices the end of a writer that asked for streaming, even when it refused. Called
    while another program writes, this would make a second writer.

    Raises:
        OSError: the node cannot be opened.
    """
    with v4l2.opened(node) as descriptor, contextlib.suppress(OSError):
        v4l2.start_output_streaming(descriptor)


def kept_format(node: str, width: int, height: int) -> str:
    """The format that the device keeps, "640x480 YUYV", in place of I420 of this size: the one it
    had before, as long as an app shows it (or with keep_format). "" where it takes I420 of this
    size.

    Raises:
        OSError: the device cannot be asked.
    """
    wanted = (width, height, _I420)
    kept = v4l2.try_output_format(node, *wanted)
    return "" if kept == wanted else "{}x{} {}".format(*kept)


def _how_to_load(label: str, sys_root: Path) -> str:
    if module_is_loaded(sys_root):
        return f"v4l2loopback is loaded without it: {reload_command(label)}"
    return f"{install_command()}, then: {load_command(label)}"


def _is_silent(node: str) -> bool:
    with v4l2.opened(node) as descriptor:
        _has_new_frame(descriptor)  # takes the last one
        deadline = time.monotonic() + _SILENCE_SECONDS
        while time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            if _has_new_frame(descriptor):
                return False
    return True


def _has_new_frame(descriptor: int) -> bool:
    try:
        os.read(descriptor, 1)
    except BlockingIOError:
        return False
    return True
