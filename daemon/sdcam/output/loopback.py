"""The v4l2loopback devices of Linux: found by the name that apps show."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from sdcam.capture.cameras.holders import holders
from sdcam.errors import MissingError
from sdcam.output.loopback_state import (
    State,
    free,
    kept_format,
    notices_who_leaves,
    query_state,
    real_state,
)

_LABEL = "StreamDiffusion Cam"
_ISSUE = "https://github.com/v4l2loopback/v4l2loopback/issues/675"

_LEFT = (State.STUCK, State.WRITTEN)  # what is left by a writer that the driver does not miss
_log = logging.getLogger("sdcam.output")


def find_loopback(device: str, sys_root: Path = Path("/sys")) -> str:
    """The node (/dev/videoN) of the device with the card label `device`, or `device` as it is
    when it is a node already.

    Raises:
        MissingError: v4l2loopback is not loaded, or has no device of that name.
    """
    devices = sys_root / "class" / "video4linux"
    if device.startswith("/dev/"):
        if not (devices / Path(device).name).exists():
            raise MissingError(f"{device} does not exist.", _how_to_load(sys_root))
        return device
    nodes = [node.parent for node in devices.glob("video*/name") if _label(node) == device]
    if not nodes:
        raise MissingError(
            f'There is no virtual camera "{device}".', _how_to_load(sys_root, device)
        )
    return f"/dev/{min(nodes, key=lambda node: int(node.name[5:])).name}"


def make_ready(node: str, width: int, height: int, sys_root: Path = Path("/sys")) -> None:
    """Sees to it that I420 of this size can be written. pyvirtualcam up to 0.14 leaves a device
    open that it cannot use: it must not be asked in vain.

    Raises:
        MissingError: another program writes, an app keeps another format, or it is a camera.
    """
    try:
        state = real_state(node, sys_root)
        if state is State.ANOTHER:
            raise _no_loopback(node)
        if state is State.WRITTEN:
            raise _in_use(node)
        if state is State.STUCK:
            free(node)
            _log.info("%s had not noticed that its last writer left", node)
        kept = kept_format(node, width, height)
    except OSError:  # it is gone, or this user may not: who opens it next says so
        return
    if kept:
        raise MissingError(
            f"{node} keeps to {kept} as long as an app shows it"
            + (f": {who}." if (who := _names(node)) else "."),
            f"It takes {width}x{height} when the camera is closed there.",
        )


def leave(node: str, sys_root: Path = Path("/sys")) -> None:
    """After our last frame: lets the next program write, where the driver does not by itself."""
    with contextlib.suppress(OSError):
        if not notices_who_leaves(sys_root) and query_state(node) in _LEFT:
            free(node)


def explain_refusal(node: str, reason: str) -> MissingError:
    """Why pyvirtualcam did not open `node`, and what to do."""
    lower = reason.lower()
    if "permission" in lower:
        return MissingError(
            f"{node} may not be written.",
            "Run `sudo usermod -aG video $USER`, then log out and in again.",
        )
    if "busy" in lower or "in use" in lower:
        return _in_use(node)
    if "not a video output" in lower or "not a v4l2" in lower:
        return _no_loopback(node)
    return MissingError(
        f"{node} cannot be opened: {reason.strip().rstrip('.')}.", f"Load it again: {_reload()}"
    )


def _no_loopback(node: str) -> MissingError:
    return MissingError(
        f"{node} is a camera, not a v4l2loopback device.",
        "Give the virtual camera's name, or the /dev/videoN that it has.",
    )


def _in_use(node: str) -> MissingError:
    if who := _names(node):  # who watches it is among them, and cannot be told from who writes
        return MissingError(
            f"Another program writes to {node}: {who}.",
            "Close it, or give sdcam another device (output.device).",
        )
    return MissingError(
        f"Another program writes to {node}.",
        f"`sudo fuser -v {node}` names it; where nobody has it open, it was killed: {_reload()} "
        f"({_ISSUE})",
    )


def _names(node: str) -> str:
    return ", ".join(holders(node))


def _label(name_file: Path) -> str:
    try:
        return name_file.read_text(errors="replace").strip()
    except OSError:  # unplugged a moment ago
        return ""


def _how_to_load(sys_root: Path, label: str = _LABEL) -> str:
    if (sys_root / "module" / "v4l2loopback").exists():
        return f"v4l2loopback is loaded without it: {_reload(label)}"
    return f"Install v4l2loopback (sudo apt install v4l2loopback-dkms) and load it: {_load(label)}"


def _reload(label: str = _LABEL) -> str:
    return f"sudo modprobe -r v4l2loopback && {_load(label)}"


def _load(label: str) -> str:
    # Chrome and Zoom only list devices that call themselves nothing but a camera: exclusive_caps.
    return f'sudo modprobe v4l2loopback exclusive_caps=1 card_label="{label}"'
