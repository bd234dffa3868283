"""What is known about a camera before it is opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum


class Kind(str, Enum):
    BUILT_IN = "built-in"
    USB = "USB"
    OTHER = "other"  # on a board's camera connector, a capture card, a test driver
    INFRARED = "infrared"  # for face recognition; gives grey pictures lit by itself
    PHONE = "phone"  # Continuity Camera: opening it takes the phone away from its owner
    DESK_VIEW = "desk view"
    VIRTUAL = "virtual"  # never usable: it may be our own output


# What `auto` takes, the first choice first. It takes no other kind.
_WHY_TAKEN = {
    Kind.BUILT_IN: "the first built-in camera",
    Kind.USB: "the first USB camera; none is built in",
    Kind.OTHER: "no camera is built in or on USB",
}
_NOT_BY_ITSELF = {
    Kind.INFRARED: "an infrared camera: only taken when named",
    Kind.PHONE: "somebody's phone: only taken when named",
    Kind.DESK_VIEW: "shows the desk: only taken when named",
}


@dataclass(frozen=True)
class CameraDevice:
    """One row of `sdcam cameras`."""

    name: str  # unique on this machine once it has been through `ready_to_list`
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


def ready_to_list(found: Iterable[CameraDevice]) -> list[CameraDevice]:
    """Sorted by number, names made unique, the choice of `auto` marked and explained."""
    devices = _with_unique_names(sorted(found, key=lambda device: device.index))
    taken = next(
        (d for kind in _WHY_TAKEN for d in devices if d.usable and d.kind is kind),
        None,
    )
    return [
        replace(device, is_auto=device is taken, about_auto=_about_auto(device, taken))
        for device in devices
    ]


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
        return _NOT_BY_ITSELF[device.kind]
    if device is taken:
        return _WHY_TAKEN[device.kind]
    return f'comes after "{taken.name}"' if taken else ""
