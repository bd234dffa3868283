"""The virtual camera of Linux, for good: two files of the system's, which only root may write."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from sdcam import resources
from sdcam.errors import MissingError
from sdcam.platforms.loopback import find_loopback, module_is_loaded
from sdcam.platforms.names import CAMERA_NAME

_FILES = {
    "v4l2loopback.modules-load.conf": "/etc/modules-load.d/streamdiffusion-cam.conf",
    "v4l2loopback.modprobe.conf": "/etc/modprobe.d/streamdiffusion-cam.conf",
}


def at_every_start() -> list[str]:
    """The commands that copy the two files to their places."""
    return [
        f"sudo install -m 644 {shlex.quote(str(resources.launchd(name)))} {target}"
        for name, target in _FILES.items()
    ]


def how_to_have_the_camera(sys_root: Path = Path("/sys")) -> Iterator[str]:
    """The commands that make it, line by line; none when it is there. sdcam never runs sudo."""
    try:
        find_loopback(CAMERA_NAME, sys_root)
    except MissingError as missing:
        yield f"{missing.what} Until there is, the service waits for it. To have it for good:"
    else:
        return
    if not module_is_loaded(sys_root):
        yield "  sudo apt install v4l2loopback-dkms        # or your distribution's package"
    for command in at_every_start():
        yield f"  {command}"
    if module_is_loaded(sys_root):
        yield "  sudo modprobe -r v4l2loopback             # it is loaded, without that camera"
    yield "  sudo modprobe v4l2loopback"
