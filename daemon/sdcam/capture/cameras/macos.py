"""Cameras on macOS: the system's own report, in the order in which OpenCV counts them.

OpenCV opens cameras by number. The report is fresh at every call.
"""

from __future__ import annotations

from sdcam.capture.cameras.device import CameraDevice, Kind
from sdcam.platforms.macos import ReportedCamera, list_reported_cameras, read_camera_report
from sdcam.platforms.names import OBS_DEVICE_UID

_OBS_MODEL = "OBS Camera Extension"
_WHY_NOT_OBS = "it is OBS's virtual camera, which sdcam feeds"
_DESK_VIEW = ("Desk View", "Schreibtischansicht")
_PHONES = ("iPhone", "iPad", "iPod")
_APPLE = ("FaceTime", "MacBook", "iMac")


def find_cameras() -> list[CameraDevice]:
    """Raises SdcamError where the system does not answer."""
    return [_camera(*numbered) for numbered in enumerate(list_reported_cameras())]


def read_report(report: str) -> list[CameraDevice]:
    """The cameras of the JSON that `system_profiler SPCameraDataType -json` prints."""
    return [_camera(*numbered) for numbered in enumerate(read_camera_report(report))]


def _camera(index: int, told: ReportedCamera) -> CameraDevice:
    name = told.name or f"Camera {index}"
    kind = _kind(name, told.model, told.unique_id)
    return CameraDevice(
        name=name,
        index=index,
        kind=kind,
        driver=told.model,
        why_not=_WHY_NOT_OBS if kind is Kind.VIRTUAL else "",
    )


def _kind(name: str, model: str, unique_id: str) -> Kind:
    if unique_id.upper() == OBS_DEVICE_UID or model == _OBS_MODEL:
        return Kind.VIRTUAL
    if any(words in text for words in _DESK_VIEW for text in (name, model)):
        return Kind.DESK_VIEW
    if model.startswith(_PHONES):
        return Kind.PHONE
    if name.startswith(_APPLE) or model.startswith(_APPLE):
        return Kind.BUILT_IN
    return Kind.USB if model.startswith("UVC Camera") else Kind.OTHER
