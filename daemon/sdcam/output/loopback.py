"""Writing to v4l2loopback (Linux): the device is made ready, watched, given back."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from sdcam.errors import MissingError, SdcamError
from sdcam.platforms.device_rights import how_to_get_access
from sdcam.platforms.device_users import users_of
from sdcam.platforms.loopback import (
    SYS,
    LoopbackState,
    find_loopback,
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


class LoopbackDriver:
    """See `virtual_camera.Driver`. Finds the device and makes it ready.

    pyvirtualcam up to 0.14 leaves a device open that it cannot use, so it must not be asked to open
    one that will refuse.

    Raises:
        MissingError: there is no such device, another program writes to it, an app keeps another
            format, or it is a camera.
    """

    pixel_format = "I420"  # v4l2loopback passes it on unchanged

    def __init__(self, device: str, width: int, height: int, sys_root: Path = SYS) -> None:
        """
        Args:
            device: the label that apps show, or /dev/videoN.
            width: of the frames in pixels.
            height: of the frames in pixels.
            sys_root: where Linux describes its devices.
        """
        self.device = find_loopback(device, sys_root)
        self.name = device if self.device == device else f"{device} ({self.device})"
        self._sys_root = sys_root
        make_ready(self.device, width, height, sys_root)
        self._identity = _identity(self.device)

    def opened(self) -> None:
        self._identity = _identity(self.device)

    def find_fault(self, sent: int) -> SdcamError | None:
        """The driver takes frames for a node that was removed, or replaced by another device."""
        return None if _identity(self.device) == self._identity else gone(self.name)

    def left(self) -> None:
        """Lets the next program write, where the driver does not notice our end."""
        with contextlib.suppress(OSError):
            if notices_closed_writer(self._sys_root):
                return
            if query_state(self.device) in _LEFT_BEHIND:
                free(self.device)

    def explain(self, reason: str) -> MissingError:
        return explain_refusal(self.device, reason)


def gone(name: str) -> SdcamError:
    return SdcamError(
        f"virtual-camera:{name} is gone.", "It is reopened automatically when it comes back."
    )


def make_ready(node: str, width: int, height: int, sys_root: Path = SYS) -> None:
    """Checks that I420 of this size can be written, and frees a stuck device.

    Raises:
        MissingError: as `LoopbackDriver`.
    """
    try:
        state = real_state(node, sys_root)
        if state is LoopbackState.ANOTHER:
            raise _no_loopback(node)
        if state is LoopbackState.WRITTEN:
            raise _in_use(node)
        if state is LoopbackState.STUCK:
            free(node)
            _log.info("%s had not noticed that its last writer left: freed", node)
        kept = kept_format(node, width, height)
    except OSError:  # gone, or not permitted: opening it says so
        return
    if kept:
        apps = ", ".join(users_of(node))
        raise MissingError(
            f"{node} keeps {kept} as long as an app shows it" + (f": {apps}." if apps else "."),
            f"It takes {width}x{height} when that app closes the camera.",
        )


def explain_refusal(node: str, reason: str) -> MissingError:
    """Why pyvirtualcam did not open `node`, and what to do."""
    lower = reason.lower()
    if "permission" in lower:
        return MissingError(
            f"This user may not write to {node}.",
            ", ".join(how_to_get_access(Path(node))),
        )
    if "busy" in lower or "in use" in lower:
        return _in_use(node)
    if "not a video output" in lower or "not a v4l2" in lower:
        return _no_loopback(node)
    return MissingError(
        f"{node} cannot be opened: {reason.strip().rstrip('.')}.",
        f"Reload the driver: {reload_command()}",
    )


def _no_loopback(node: str) -> MissingError:
    return MissingError(
        f"{node} is a camera, not a v4l2loopback device.",
        "Set output.device to the virtual camera's name or to its own /dev/videoN.",
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
        f"`sudo fuser -v {node}` names it. If it names none, the program was killed; reload the "
        f"driver: {reload_command()} ({_ISSUE})",
    )


def _identity(node: str) -> tuple[int, int] | None:
    """(inode, device number); None where there is no such node."""
    try:
        found = Path(node).stat()
    except OSError:
        return None
    return found.st_ino, found.st_rdev
