"""What a source of frames is: cameras, files, stills and the test pattern."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from sdcam.arrays import Pixels

# No model takes more pixels, and the frame memory is allocated for as many.
MOST_WIDTH: Final = 1920
MOST_HEIGHT: Final = 1080

_FALLBACK_FPS = 30.0
_Self = TypeVar("_Self", bound="Source")


@dataclass(frozen=True)
class SourceInfo:
    name: str  # what the user calls it: "FaceTime HD Camera", "clip.mp4"
    width: int  # of the frames that `read` writes, pixels, even; at most 1920
    height: int  # at most 1080
    fps: float  # nominal


class Source(Protocol):
    """Opened by `capture.open_source`; used by one thread of the capture process.

    A context manager for those that inherit from it.
    """

    info: SourceInfo

    def read(self, out: Pixels) -> int | None:
        """Waits for the next frame at the source's own speed and writes it into `out`.

        Args:
            out: BGR, (info.height, info.width, 3), C-contiguous, in shared memory.

        Returns:
            The capture time, `time.monotonic_ns()`, or None at the end of the source.

        Raises:
            SdcamError: the device failed or was unplugged.
        """
        ...

    def close(self) -> None: ...

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def delivered_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) in which a source delivers pictures of this size, in pixels: at most
    1920x1080 at the same aspect, both even, because 4:2:0 formats need even numbers."""
    scale = min(1.0, MOST_WIDTH / width, MOST_HEIGHT / height)
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def plausible_fps(fps: float) -> float:
    """Frames a second; 30 where a device or a container says 0, its time base (90000), or NaN."""
    return fps if math.isfinite(fps) and 1.0 <= fps <= 240.0 else _FALLBACK_FPS
