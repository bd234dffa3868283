"""What is known about a camera before it is opened, and which one a name means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from sdcam.errors import MissingError


class Kind(str, Enum):
    BUILT_IN = "built-in"
    USB = "USB"
    OTHER = "other"  # on a board's camera connector, a capture card, a test driver
    INFRARED = "infrared"  # for face recognition; gives grey pictures, lit by the camera
    PHONE = "phone"  # Continuity Camera: opening it takes the phone away from its owner
    DESK_VIEW = "desk view"
    VIRTUAL = "virtual"  # never usable: it may be our own output


# What `auto` takes, the first choice first. It takes no other kind.
_WHY_TAKEN = {
    Kind.BUILT_IN: "the first built-in camera",
    Kind.USB: "the first USB camera; none is built in",
    Kind.OTHER: "no camera is built in or on USB",
}
_ONLY_WHEN_NAMED = {
    Kind.INFRARED: "an infrared camera: only taken when named",
    Kind.PHONE: "a phone: only taken when named",
    Kind.DESK_VIEW: "shows the desk: only taken when named",
}
_WITHOUT_CAMERA = "Plug a camera in, or play something else: --source test, --source file:PATH."


@dataclass(frozen=True)
class CameraDevice:
    """One row of `sdcam cameras`."""

    name: str  # unique on this machine after `ready_to_list`
    index: int  # N of /dev/videoN; on macOS the number by which OpenCV opens it
    kind: Kind
    node: str = ""  # "/dev/video0"; empty on macOS
    driver: str = ""
    bus: str = ""
    formats: tuple[str, ...] = ()  # pixel formats as four letters; empty where unknown
    why_not: str = ""  # why it can never be a source
    is_auto: bool = False  # the one that `auto` takes
    about_auto: str = ""  # why `auto` takes it or passes it over

    @property
    def usable(self) -> bool:
        return not self.why_not

    @property
    def address(self) -> str | int:
        """What OpenCV opens."""
        return self.node or self.index


class NoSuchCameraError(MissingError):
    """Nothing was opened, so a later attempt may be made in the same process."""


def ready_to_list(found: Iterable[CameraDevice]) -> list[CameraDevice]:
    """Sorted by number, with unique names; the choice of `auto` is marked and explained."""
    devices = _with_unique_names(sorted(found, key=lambda device: device.index))
    taken = next(
        (d for kind in _WHY_TAKEN for d in devices if d.usable and d.kind is kind),
        None,
    )
    return [
        replace(device, is_auto=device is taken, about_auto=_about_auto(device, taken))
        for device in devices
    ]


def choose_camera(wanted: str, cameras: Sequence[CameraDevice]) -> CameraDevice:
    """The camera that `wanted` names.

    Args:
        wanted: "auto", a number as `sdcam cameras` lists it, a name, a part of a name that only
            one camera has (both in any case), or on Linux a path in /dev.
        cameras: what `list_cameras` found.

    Raises:
        NoSuchCameraError: no such camera, more than one, or one that can never be a source.
    """
    wanted = wanted.strip()
    if wanted.casefold() == "auto":
        return _automatic(cameras)
    matches = _matches(wanted, cameras)
    usable = [camera for camera in matches if camera.usable]
    if len(usable) == 1:
        return usable[0]
    if len(usable) > 1:
        names = ", ".join(f'"{camera.name}"' for camera in usable)
        raise NoSuchCameraError(
            f'"{wanted}" could be any of {len(usable)} cameras.', f"Name one of them: {names}."
        )
    if matches:
        raise NoSuchCameraError(
            f'The camera "{matches[0].name}" cannot be the source: {matches[0].why_not}.',
            _usable_ones(cameras),
        )
    raise NoSuchCameraError(f'There is no camera "{wanted}".', _usable_ones(cameras))


def _automatic(cameras: Sequence[CameraDevice]) -> CameraDevice:
    for camera in cameras:
        if camera.is_auto:
            return camera
    if not cameras:
        raise NoSuchCameraError("No camera was found.", _WITHOUT_CAMERA)
    passed = "; ".join(f'"{camera.name}": {camera.about_auto}' for camera in cameras)
    raise NoSuchCameraError(f"No camera was found that auto takes ({passed}).", _WITHOUT_CAMERA)


def _matches(wanted: str, cameras: Sequence[CameraDevice]) -> list[CameraDevice]:
    """By path, number, whole name or part of a name: the first of these that finds something."""
    if wanted.startswith("/dev/"):
        node = str(Path(wanted).resolve())  # /dev/v4l/by-id/... are links
        return [camera for camera in cameras if camera.node in (wanted, node)]
    if wanted.isdecimal():
        by_number = [camera for camera in cameras if camera.index == int(wanted)]
        if by_number:
            return by_number
    name = wanted.casefold()
    whole = [camera for camera in cameras if camera.name.casefold() == name]
    return whole or [camera for camera in cameras if name in camera.name.casefold()]


def _usable_ones(cameras: Sequence[CameraDevice]) -> str:
    usable = [f'"{camera.name}" ({camera.index})' for camera in cameras if camera.usable]
    return f"There are: {', '.join(usable)}." if usable else _WITHOUT_CAMERA


def _with_unique_names(devices: list[CameraDevice]) -> list[CameraDevice]:
    """Of two cameras of the same name, the second gets " (2)"."""
    seen: Counter[str] = Counter()
    unique = []
    for device in devices:
        seen[device.name.casefold()] += 1
        count = seen[device.name.casefold()]
        unique.append(device if count == 1 else replace(device, name=f"{device.name} ({count})"))
    return unique


def _about_auto(device: CameraDevice, taken: CameraDevice | None) -> str:
    if not device.usable:
        return device.why_not
    if device.kind not in _WHY_TAKEN:
        return _ONLY_WHEN_NAMED[device.kind]
    if device is taken:
        return _WHY_TAKEN[device.kind]
    return f'comes after "{taken.name}"' if taken else ""
