"""The cameras of this machine: on Linux the nodes in sysfs and what each driver says about itself,
on macOS the system's own report."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sdcam.capture.cameras import CameraDevice, Kind, ready_to_list
from sdcam.platforms import loopback, read_text
from sdcam.platforms.macos import ReportedCamera, list_reported_cameras
from sdcam.platforms.names import CAMERA_NAME, OBS_DEVICE_UID
from sdcam.platforms.v4l2 import Capability, query_capability

_LOOPBACK_DRIVERS = (*loopback.DRIVERS, "akvcam")
_GREY = {"GREY", "Y8I", "Y10", "Y10B", "Y12", "Y12I", "Y16", "Y16-BE"}

_NOT_ALLOWED = 'not allowed to open it (join the group "video", then log out and in again)'

_OBS_MODEL = "OBS Camera Extension"
_WHY_NOT_OBS = "it is OBS's virtual camera, which sdcam feeds"
_DESK_VIEW = ("Desk View", "Schreibtischansicht")
_PHONES = ("iPhone", "iPad", "iPod")
_APPLE = ("FaceTime", "MacBook", "iMac")

QueryCapability = Callable[[str], Capability]


def list_cameras() -> list[CameraDevice]:
    """Every camera, by number; the unusable ones with the reason.

    Takes milliseconds on Linux and more than a second on macOS. Opens no stream: no camera light
    goes on.

    Raises:
        SdcamError: the system does not answer.
    """
    if sys.platform == "darwin":
        return ready_to_list(macos_cameras(list_reported_cameras()))
    return ready_to_list(find_linux_cameras())


def find_linux_cameras(
    sysfs: Path = Path("/sys/class/video4linux"), query: QueryCapability = query_capability
) -> list[CameraDevice]:
    """Every node that captures pictures, and every loopback device, in no order.

    Args:
        sysfs: the folder with one link for each node.
        query: asks the driver behind "/dev/videoN"; raises OSError.
    """
    if not sysfs.is_dir():
        return []
    found = (
        _linux_camera(entry, query) for entry in sysfs.iterdir() if entry.name.startswith("video")
    )
    return [camera for camera in found if camera is not None]


def _linux_camera(entry: Path, query: QueryCapability) -> CameraDevice | None:
    facts = _Sysfs.of(entry)
    try:
        capability = query(f"/dev/{entry.name}")
    except PermissionError:
        capability = Capability(driver="", name=facts.name, bus="", captures=True, formats=())
        return None if facts.is_secondary else _device(entry, capability, facts.kind, _NOT_ALLOWED)
    except OSError:  # unplugged since it was listed
        return None
    if facts.is_virtual or capability.driver in _LOOPBACK_DRIVERS:
        return _device(entry, capability, Kind.VIRTUAL, _why_not_virtual(capability.name))
    # A webcam's second node carries metadata; converters and outputs are nodes too.
    return (
        _device(entry, capability, _linux_kind(facts, capability)) if capability.captures else None
    )


def _linux_kind(facts: _Sysfs, capability: Capability) -> Kind:
    if capability.formats and _GREY.issuperset(capability.formats):
        return Kind.INFRARED
    return (
        Kind.USB if facts.kind is Kind.OTHER and capability.bus.startswith("usb-") else facts.kind
    )


def _device(entry: Path, capability: Capability, kind: Kind, why_not: str = "") -> CameraDevice:
    return CameraDevice(
        name=capability.name or entry.name,
        index=int(re.sub(r"\D", "", entry.name) or 0),
        kind=kind,
        node=f"/dev/{entry.name}",
        driver=capability.driver,
        bus=capability.bus,
        formats=capability.formats,
        why_not=why_not,
    )


def _why_not_virtual(name: str) -> str:
    if name == CAMERA_NAME:
        return "it is the virtual camera that sdcam feeds"
    return "it is a loopback device, which sdcam may be feeding: it would film itself"


@dataclass(frozen=True)
class _Sysfs:
    name: str
    is_virtual: bool  # made by a program, on no bus
    is_secondary: bool  # a further node of the same camera: metadata
    kind: Kind

    @classmethod
    def of(cls, entry: Path) -> _Sysfs:
        place = Path(os.path.realpath(entry))
        return cls(
            name=read_text(entry / "name"),
            is_virtual=place.parent.parent.name == "virtual",
            is_secondary=read_text(entry / "index") not in ("", "0"),
            kind=_place_of(Path(os.path.realpath(entry / "device"))),
        )


def _place_of(device: Path) -> Kind:
    """A USB device knows whether its port is inside the machine: `removable` says "fixed"."""
    if not re.fullmatch(r"\d+-[\d.]+:\d+\.\d+", device.name):
        return Kind.OTHER
    return Kind.BUILT_IN if read_text(device.parent / "removable") == "fixed" else Kind.USB


def macos_cameras(reported: list[ReportedCamera]) -> list[CameraDevice]:
    """Numbered in the order of the report, which is that of OpenCV."""
    return [_macos_camera(*numbered) for numbered in enumerate(reported)]


def _macos_camera(index: int, reported: ReportedCamera) -> CameraDevice:
    name = reported.name or f"Camera {index}"
    kind = _macos_kind(name, reported.model, reported.unique_id)
    return CameraDevice(
        name=name,
        index=index,
        kind=kind,
        driver=reported.model,
        why_not=_WHY_NOT_OBS if kind is Kind.VIRTUAL else "",
    )


def _macos_kind(name: str, model: str, unique_id: str) -> Kind:
    if unique_id.upper() == OBS_DEVICE_UID or model == _OBS_MODEL:
        return Kind.VIRTUAL
    if any(words in text for words in _DESK_VIEW for text in (name, model)):
        return Kind.DESK_VIEW
    if model.startswith(_PHONES):
        return Kind.PHONE
    if name.startswith(_APPLE) or model.startswith(_APPLE):
        return Kind.BUILT_IN
    return Kind.USB if model.startswith("UVC Camera") else Kind.OTHER
