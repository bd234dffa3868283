"""The loopback device that sdcam writes to (Linux): made ready, given back, refusals explained."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from sdcam.errors import MissingError
from sdcam.platforms.device_users import users_of
from sdcam.platforms.loopback import (
    SYS,
    LoopbackState,
    free,
    kept_format,
    notices_closed_writer,
    query_state,
    real_state,
    reload_command,
)

_ISSUE = "https://github.com/v4l2loopback/v4l2loopback/issues/675"
# The states that a writer leaves behind where the driver does not notice its end.
_LEFT_BEHIND = (LoopbackState.STUCK, LoopbackState.WRITTEN)
_log = logging.getLogger("sdcam.output")


def make_ready(node: str, width: int, height: int, sys_root: Path = SYS) -> None:
    """Checks that I420 of this size can be written, and frees a stuck device.

    pyvirtualcam up to 0.14 leaves a device open that it cannot use, so it must not be asked to open
    one that will refuse.

    Raises:
        MissingError: another program writes, an app keeps another format, or it is a camera.
    """
    try:
        state = real_state(node, sys_root)
        if state is LoopbackState.ANOTHER:
            raise _no_loopback(node)
        if state is LoopbackState.WRITTEN:
            raise _in_use(node)
        if state is LoopbackState.STUCK:
            free(node)
            _log.info("%s had not noticed that its last writer left", node)
        kept = kept_format(node, width, height)
    except OSError:  # gone, or not permitted: opening it says so
        return
    if kept:
        apps = ", ".join(users_of(node))
        raise MissingError(
            f"{node} keeps to {kept} as long as an app shows it" + (f": {apps}." if apps else "."),
            f"It takes {width}x{height} when the camera is closed there.",
        )


def leave(node: str, sys_root: Path = SYS) -> None:
    """After our last frame: lets the next program write, where the driver does not by itself."""
    with contextlib.suppress(OSError):
        if not notices_closed_writer(sys_root) and query_state(node) in _LEFT_BEHIND:
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
        f"{node} cannot be opened: {reason.strip().rstrip('.')}.",
        f"Load it again: {reload_command()}",
    )


def _no_loopback(node: str) -> MissingError:
    return MissingError(
        f"{node} is a camera, not a v4l2loopback device.",
        "Give the virtual camera's name, or the /dev/videoN that it has.",
    )


def _in_use(node: str) -> MissingError:
    # Programs that read are among the users; nothing tells them from the one that writes.
    if users := users_of(node):
        return MissingError(
            f"Another program writes to {node}: {', '.join(users)}.",
            "Close it, or give sdcam another device (output.device).",
        )
    return MissingError(
        f"Another program writes to {node}.",
        f"`sudo fuser -v {node}` names it; where nobody has it open, it was killed: "
        f"{reload_command()} ({_ISSUE})",
    )
