"""Where finished frames go. The virtual camera, a file and nothing at all are all this."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sdcam.errors import SdcamError

Pixels = NDArray[np.uint8]


class Sink(Protocol):
    """Opened by `output.open_sink`; called by the thread that paces the output."""

    name: str  # for messages and status: "virtual-camera:StreamDiffusion Cam (/dev/video10)"
    pixel_format: str  # what `send` takes: "BGR", "I420" or "UYVY"

    def send(self, frame: Pixels) -> None:
        """Hands over one frame; must return within a few milliseconds and must not keep `frame`.

        Args:
            frame: in `pixel_format`: BGR (H, W, 3); I420 (H*3/2, W); UYVY (H, W, 2).

        Raises:
            SdcamError: the device or the disk failed; the sink is then dead and gets closed.
        """
        ...

    def report(self) -> dict[str, float]:
        """What it measures of itself, for the status: `send_ms` (median), `late` (frames). Asked
        from another thread than the one that sends."""
        ...

    def close(self) -> SdcamError | None:
        """Ends a recording so that it can be played, gives the device back. Never raises; returns
        the fault that came to light at the end (a disk that was full only then)."""
        ...
