"""The output that goes nowhere: for benchmarks, and to try a model without a camera."""

from __future__ import annotations

from sdcam.output.pixel_format import check_frame, frame_shape
from sdcam.output.sink import Pixels
from sdcam.settings.schema import OutputSettings


class Null:
    """Takes what the virtual camera of Linux takes, and counts it."""

    name = "null"
    pixel_format = "I420"

    def __init__(self, output: OutputSettings) -> None:
        self.frames = 0
        self._shape = frame_shape(self.pixel_format, output.width, output.height)

    def send(self, frame: Pixels) -> None:
        check_frame(frame, self._shape, self.name)
        self.frames += 1

    def report(self) -> dict[str, float]:
        """There is nothing to tell."""
        return {}

    def close(self) -> None:
        """There is nothing to give back."""
