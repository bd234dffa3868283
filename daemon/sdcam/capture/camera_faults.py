"""Why a camera gives no pictures, in the words that help its user."""

from __future__ import annotations

import os
import sys

from sdcam.capture.cameras import CameraDevice
from sdcam.errors import MissingError, SdcamError
from sdcam.platforms.device_users import users_of


def why_no_pictures(device: CameraDevice) -> SdcamError:
    """The likeliest reason. Call it after a failed open or a first frame that never came."""
    if sys.platform == "darwin":
        # Without permission macOS opens the camera and sends nothing: there is no other sign.
        return MissingError(
            f'The camera "{device.name}" opened but sent no pictures.',
            "Allow it in System Settings > Privacy & Security > Camera, and close other programs "
            "that use it.",
        )
    try:
        os.close(os.open(device.node, os.O_RDWR | os.O_NONBLOCK))
    except PermissionError:
        return MissingError(
            f'"{device.name}" ({device.node}) may not be opened by this user.',
            'Join the group "video" (sudo usermod -aG video "$USER"), then log in anew.',
        )
    except OSError as error:
        return MissingError(
            f'"{device.name}" ({device.node}) cannot be opened: {error.strerror}.',
            "Plug it in again; `sdcam cameras` lists what is there.",
        )
    programs = users_of(device.node)
    if programs:
        return MissingError(
            f'"{device.name}" ({device.node}) is in use by {", ".join(programs)}.',
            "Close that program, or let it use the virtual camera instead.",
        )
    return SdcamError(
        f'"{device.name}" ({device.node}) opened but sent no pictures.',
        "Another user's program may have it; plug it in again, or try a smaller camera.width.",
    )
