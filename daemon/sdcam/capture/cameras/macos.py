"""Cameras on macOS: the system's own report, in the order in which OpenCV counts them.

OpenCV opens cameras by number and sorts them by their unique id (opencv/opencv#22946); the
system's report lists the same cameras, fresh at every call, in an order of its own.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

from sdcam.capture.cameras.device import CameraDevice, Kind
from sdcam.errors import SdcamError

_COMMAND = ("/usr/sbin/system_profiler", "SPCameraDataType", "-json")
_TIMEOUT_S = 20
# The keys of the report are the same in every language, the names are not.
_NAME, _MODEL, _ID = "_name", "spcamera_model-id", "spcamera_unique-id"

# Fixed in OBS's signed camera extension, which is what sdcam feeds (pyvirtualcam).
_OBS_ID = "7626645E-4425-469E-9D8B-97E0FA59AC75"
_OBS_MODEL = "OBS Camera Extension"
_WHY_NOT_OBS = "it is OBS's virtual camera, which sdcam feeds"
_DESK_VIEW = ("Desk View", "Schreibtischansicht")
_PHONES = ("iPhone", "iPad", "iPod")
_APPLE = ("FaceTime", "MacBook", "iMac")


def find_cameras() -> list[CameraDevice]:
    """Raises SdcamError where the system does not answer."""
    try:
        report = subprocess.run(
            _COMMAND, capture_output=True, check=True, text=True, timeout=_TIMEOUT_S
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise SdcamError(
            f"macOS did not list its cameras: {error}.", f"Try it by hand: {' '.join(_COMMAND)}"
        ) from error
    return read_report(report)


def read_report(report: str) -> list[CameraDevice]:
    """The cameras of the JSON that `system_profiler SPCameraDataType -json` prints."""
    try:
        entries = json.loads(report)["SPCameraDataType"]
        in_order = sorted(entries, key=lambda entry: str(entry.get(_ID, "")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SdcamError(
            "The list of cameras that macOS gave cannot be read.",
            f"Look at it with: {' '.join(_COMMAND)}",
        ) from error
    return [_camera(index, entry) for index, entry in enumerate(in_order)]


def _camera(index: int, entry: dict[str, Any]) -> CameraDevice:
    name = str(entry.get(_NAME, "")).strip() or f"Camera {index}"
    model = str(entry.get(_MODEL, ""))
    kind = _kind(name, model, str(entry.get(_ID, "")))
    return CameraDevice(
        name=name,
        index=index,
        kind=kind,
        driver=model,
        why_not=_WHY_NOT_OBS if kind is Kind.VIRTUAL else "",
    )


def _kind(name: str, model: str, unique_id: str) -> Kind:
    if unique_id.upper() == _OBS_ID or model == _OBS_MODEL:
        return Kind.VIRTUAL
    if any(words in text for words in _DESK_VIEW for text in (name, model)):
        return Kind.DESK_VIEW
    if model.startswith(_PHONES):
        return Kind.PHONE
    if name.startswith(_APPLE) or model.startswith(_APPLE):
        return Kind.BUILT_IN
    return Kind.USB if model.startswith("UVC Camera") else Kind.OTHER
