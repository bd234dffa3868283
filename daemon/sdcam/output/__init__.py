"""Where finished frames go: the virtual camera, a recording, nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdcam.errors import UsageError
from sdcam.output.recording import Recording
from sdcam.output.sink import Null, Sink, frame_shape
from sdcam.output.virtual_camera import VirtualCamera

if TYPE_CHECKING:  # the settings take long to import, and callers that pass them have them
    from sdcam.settings.schema import OutputSettings

__all__ = ["Null", "Sink", "frame_shape", "open_sink"]


def open_sink(spec: str, output: OutputSettings) -> Sink:
    """Opens `virtual-camera`, `virtual-camera:DEVICE`, `file:PATH.mp4` or `null`.

    Args:
        spec: one of these.
        output: size, frame rate and the default device.

    Raises:
        UsageError: there is no such output, or its settings cannot work.
        MissingError: a driver, a device, a permission or ffmpeg is missing.
    """
    kind, colon, rest = spec.partition(":")
    if kind == "virtual-camera" and (rest or not colon):
        return VirtualCamera(rest or output.device, output)
    if kind == "file" and rest:
        return Recording(rest, output)
    if spec == "null":
        return Null(output)
    raise UsageError(
        f'"{spec}" is not an output.',
        "Use virtual-camera, virtual-camera:DEVICE, file:PATH.mp4 or null.",
    )
