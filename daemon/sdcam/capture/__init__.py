"""Where frames come from: a camera, a video file, a still image, the test pattern."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sdcam.capture.cameras import (
    CameraDevice,
    Kind,
    NoSuchCameraError,
    choose_camera,
)
from sdcam.capture.listing import list_cameras
from sdcam.capture.source import Source, SourceInfo, delivered_size
from sdcam.errors import UsageError

if TYPE_CHECKING:  # the settings take long to import, and callers that pass them have them
    from sdcam.settings.schema import CameraSettings

__all__ = [
    "CameraDevice",
    "Kind",
    "NoSuchCameraError",
    "Source",
    "SourceInfo",
    "choose_camera",
    "list_cameras",
    "open_source",
]

_VALID = "Valid sources: camera, camera:NAME, camera:NUMBER, file:PATH, image:PATH, test."


def open_source(spec: str, camera: CameraSettings, once: bool = False) -> Source:
    """Opens what `spec` names. OpenCV is loaded here and not before.

    Frames are 1920x1080 at most: a larger picture is scaled down to fit, by area averaging.

    Args:
        spec: `camera` (takes `camera.device`), `camera:NAME-or-number`, `file:PATH`,
            `image:PATH` or `test`.
        camera: device, size and frame rate to ask for. A video keeps its own size and frame
            rate, an image its own size.
        once: a video ends at its end instead of starting over.

    Raises:
        UsageError: the spec is none of these, or the file is not what it should be.
        MissingError: the file, the camera or the permission is not there.
        SdcamError: the camera is there and does not work.
    """
    kind, _, what = spec.strip().partition(":")
    what = what.strip()
    if kind == "camera":
        from sdcam.capture.camera import CameraSource

        return CameraSource(choose_camera(what or camera.device, list_cameras()), camera)
    if kind == "file" and what:
        from sdcam.capture.files import VideoFile

        return VideoFile(Path(what).expanduser(), once=once)
    if kind == "image" and what:
        from sdcam.capture.files import StillImage

        return StillImage(Path(what).expanduser(), fps=camera.fps)
    if kind == "test" and not what:
        from sdcam.capture.test_pattern import TestPattern

        return TestPattern(*delivered_size(camera.width, camera.height), camera.fps)
    raise UsageError(f'"{spec}" is not a source.', _VALID)
