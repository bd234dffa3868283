"""macOS: its version, and its own list of cameras."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from sdcam.errors import SdcamError
from sdcam.platforms.tool import call

# Core ML programs are built for 14 (converters, --target), and so are the keys of Info.plist.
OLDEST_MACOS: Final = 14
SW_VERS = "/usr/bin/sw_vers"
CAMERA_REPORT = ("/usr/sbin/system_profiler", "SPCameraDataType", "-json")
_SECONDS = 20.0


@dataclass(frozen=True)
class ReportedCamera:
    """One camera of the report. The keys of the report are the same in every language, the values
    are not."""

    name: str  # "FaceTime HD-Kamera"
    model: str  # "UVC Camera VendorID_1133 ProductID_2142"
    unique_id: str


def macos_version() -> str:
    """ "15.1". Raises SdcamError where macOS does not answer."""
    return _output((SW_VERS, "-productVersion"), "The version of macOS is unknown")


def macos_build() -> str:
    """ "24B83". Raises SdcamError where macOS does not answer."""
    return _output((SW_VERS, "-buildVersion"), "The version of macOS is unknown")


def list_reported_cameras() -> list[ReportedCamera]:
    """As `read_camera_report`; takes more than a second. Raises SdcamError."""
    return read_camera_report(_output(CAMERA_REPORT, "macOS did not list its cameras"))


def read_camera_report(report: str) -> list[ReportedCamera]:
    """The cameras of the JSON that CAMERA_REPORT prints, in the order in which OpenCV counts them:
    by unique id (opencv/opencv#22946), where the report has an order of its own.

    Raises:
        SdcamError: the report cannot be read.
    """
    try:
        cameras = [
            ReportedCamera(
                name=str(entry.get("_name", "")).strip(),
                model=str(entry.get("spcamera_model-id", "")),
                unique_id=str(entry.get("spcamera_unique-id", "")),
            )
            for entry in json.loads(report)["SPCameraDataType"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SdcamError(
            "The list of cameras that macOS gave cannot be read.",
            f"Look at it with: {' '.join(CAMERA_REPORT)}",
        ) from error
    return sorted(cameras, key=lambda camera: camera.unique_id)


def _output(command: tuple[str, ...], fault: str) -> str:
    by_hand = f"Run it by hand: {' '.join(command)}"
    try:
        done = call(*command, seconds=_SECONDS)
    except SdcamError as error:
        raise SdcamError(f"{fault}: {error.what}", by_hand) from error
    if not done.ok:
        raise SdcamError(f"{fault}: {done.said}.", by_hand)
    return done.out.strip()
