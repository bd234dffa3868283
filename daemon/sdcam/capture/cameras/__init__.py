"""Finding cameras by name, and saying which of them are none."""

from __future__ import annotations

import sys

from sdcam.capture.cameras.choice import NoSuchCameraError, choose_camera
from sdcam.capture.cameras.device import CameraDevice, Kind, ready_to_list

__all__ = ["CameraDevice", "Kind", "NoSuchCameraError", "choose_camera", "list_cameras"]


def list_cameras() -> list[CameraDevice]:
    """Every camera of this machine, by number, the unusable ones with the reason why.

    Takes milliseconds on Linux and more than a second on macOS. Opens no stream: no camera
    light goes on.

    Raises:
        SdcamError: the system does not tell.
    """
    if sys.platform == "darwin":
        from sdcam.capture.cameras import macos as system
    else:
        from sdcam.capture.cameras import linux as system
    return ready_to_list(system.find_cameras())
