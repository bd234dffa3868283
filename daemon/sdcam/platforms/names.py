"""The names by which systems and other programs know this product, and OBS's camera."""

from __future__ import annotations

from typing import Final

# What apps show: the label of the loopback device on Linux, the app's name on macOS.
CAMERA_NAME: Final = "StreamDiffusion Cam"

LAUNCHD_LABEL: Final = "com.streamdiffusion-cam.daemon"
APP_IDENTIFIER: Final = "com.streamdiffusion-cam.app"

# OBS's signed camera extension fixes both (obs-studio, plugins/mac-virtualcam). pyvirtualcam finds
# the device by the same id.
OBS_CAMERA: Final = "OBS Virtual Camera"
OBS_DEVICE_UID: Final = "7626645E-4425-469E-9D8B-97E0FA59AC75"
