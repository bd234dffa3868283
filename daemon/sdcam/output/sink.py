"""What an output is, and the layouts of the frames that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from sdcam.arrays import Pixels
from sdcam.errors import SdcamError

if TYPE_CHECKING:
    from sdcam.settings.schema import OutputSettings

DRAIN_SECONDS = 10.0
_Self = TypeVar("_Self", bound="Sink")


class Sink(Protocol):
    """Opened by `output.open_sink`. One thread sends; any thread may ask for the report or close.

    A context manager for those that inherit from it.
    """

    name: str  # for messages and the status: "virtual-camera:StreamDiffusion Cam (/dev/video10)"
    pixel_format: str  # what `send` takes: "BGR", "I420" or "UYVY"; see `frame_shape`

    def send(self, frame: Pixels) -> None:
        """Hands over one frame. Returns within a few milliseconds and does not keep `frame`.

        Args:
            frame: uint8, C-contiguous, of `frame_shape(self.pixel_format, width, height)`.

        Raises:
            SdcamError: the device or the disk failed. The sink takes no more frames: close it.
            ValueError: `frame` has another shape.
        """
        ...

    def report(self) -> dict[str, float]:
        """For the status: `send_ms` (median milliseconds of a send), `late` (frames replaced by
        the one before)."""
        ...

    def close(self, drain_seconds: float = DRAIN_SECONDS) -> SdcamError | None:
        """Gives the device back; ends a recording so that it can be played. Never raises.

        Args:
            drain_seconds: how long to wait for frames that are not written yet. A second call from
                another thread, with less time, cuts the wait of the first one short.

        Returns:
            A fault that only the end revealed, such as a full disk.
        """
        ...

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Null(Sink):
    """The output that goes nowhere: for benchmarks, and to try a model without a camera. Takes
    what the virtual camera of Linux takes, and counts it."""

    def __init__(self, output: OutputSettings) -> None:
        self.name = "null"
        self.pixel_format = "I420"
        self.frames = 0
        self._shape = frame_shape(self.pixel_format, output.width, output.height)

    def send(self, frame: Pixels) -> None:
        check_frame(frame, self._shape, self.name)
        self.frames += 1

    def report(self) -> dict[str, float]:
        return {}

    def close(self, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Holds nothing."""


def frame_shape(pixel_format: str, width: int, height: int) -> tuple[int, ...]:
    """Shape of one uint8 frame. Width and height are even, as `[output]` demands.

    BGR   (H, W, 3)    full range
    I420  (H*3/2, W)   the Y plane, then U and V of half the width and height; BT.601, limited range
    UYVY  (H, W, 2)    U Y V Y, chroma of half the width; BT.601, limited range

    Raises:
        ValueError: no such format.
    """
    shapes: dict[str, tuple[int, ...]] = {
        "BGR": (height, width, 3),
        "I420": (height * 3 // 2, width),
        "UYVY": (height, width, 2),
    }
    if pixel_format not in shapes:
        raise ValueError(f'pixel format "{pixel_format}" is none of {", ".join(shapes)}')
    return shapes[pixel_format]


def check_frame(frame: Pixels, shape: tuple[int, ...], sink: str) -> None:
    """Raises ValueError for a frame that the sink would read as garbage, or past its end."""
    if frame.shape != shape or frame.dtype != "uint8" or not frame.flags.c_contiguous:
        raise ValueError(
            f"{sink} takes contiguous uint8 frames of shape {shape}, "
            f"not {frame.dtype} of shape {frame.shape}"
        )
