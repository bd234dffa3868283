"""What a source of frames is. Cameras, files, stills and the test pattern are all this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class SourceInfo:
    name: str  # what the user calls it: "FaceTime HD Camera", "clip.mp4"
    width: int  # of the frames that it gives, pixels
    height: int
    fps: float  # nominal


class Source(Protocol):
    """Opened by `capture.open_source`; used by one thread of the capture process."""

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
