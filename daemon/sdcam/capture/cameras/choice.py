"""Which camera a user means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sdcam.capture.cameras.device import CameraDevice
from sdcam.errors import MissingError

_ELSE = "Plug a camera in, or play something else: --source test, --source file:PATH."


class NoSuchCameraError(MissingError):
    """Nothing was opened: who looks again later may do so in the same process."""


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
            _what_is_there(cameras),
        )
    raise NoSuchCameraError(f'There is no camera "{wanted}".', _what_is_there(cameras))


def _automatic(cameras: Sequence[CameraDevice]) -> CameraDevice:
    for camera in cameras:
        if camera.is_auto:
            return camera
    if not cameras:
        raise NoSuchCameraError("No camera was found.", _ELSE)
    passed = "; ".join(f'"{camera.name}": {camera.about_auto}' for camera in cameras)
    raise NoSuchCameraError(f"No camera was found that auto takes ({passed}).", _ELSE)


def _matches(wanted: str, cameras: Sequence[CameraDevice]) -> list[CameraDevice]:
    """By number, by path, by whole name, by part of a name: the first that finds something."""
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


def _what_is_there(cameras: Sequence[CameraDevice]) -> str:
    usable = [f'"{camera.name}" ({camera.index})' for camera in cameras if camera.usable]
    if not usable:
        return _ELSE
    return f"There are: {', '.join(usable)}."
