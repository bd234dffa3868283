"""What the user calls an output."""

from __future__ import annotations

from sdcam.errors import UsageError
from sdcam.output.null import Null
from sdcam.output.recording import Recording
from sdcam.output.sink import Sink
from sdcam.output.virtual_camera import VirtualCamera
from sdcam.settings.schema import OutputSettings


def open_sink(spec: str, output: OutputSettings) -> Sink:
    """Opens `virtual-camera`, `virtual-camera:DEVICE`, `file:PATH.mp4` or `null`.

    Raises:
        UsageError: there is no such output, or it cannot be written the way it is meant.
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
