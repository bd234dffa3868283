"""Viewers of OBS's camera extension (macOS), by CoreMediaIO. Not yet run on a Mac.

`kCMIODevicePropertyDeviceIsRunningSomewhere` needs no permission. It knows no names, and our own
sending may count as running: the camera then always seems watched, which is no worse than not
asking.
"""

from __future__ import annotations

from sdcam.errors import MissingError
from sdcam.output.viewers.observation import Observation, Thresholds, Use
from sdcam.platforms.core_media_io import CoreMediaIO, ReadProperty, find_obs_camera, is_running

# Polled: a listener would need a run loop of its own to be sure of its calls.
_POLL_SECONDS = 0.2


class ObsProbe:
    """See `ViewerProbe`.

    Raises:
        MissingError: OBS's extension is not active.
        OSError: CoreMediaIO cannot be asked.
    """

    thresholds = Thresholds(streaming=0.4)  # the property changes for moments
    descriptors: tuple[tuple[int, int], ...] = ()

    def __init__(self, read: ReadProperty | None = None) -> None:
        self._read = read or CoreMediaIO().read
        device = find_obs_camera(self._read)
        if device is None:
            raise MissingError("OBS's camera extension is not active.", "`sdcam doctor` says why.")
        self._device = device

    def probe(self) -> Observation:
        running = is_running(self._read, self._device)
        use = Use.STREAMING if running else Use.NONE
        return Observation(use, None if running else (), _POLL_SECONDS)

    def close(self) -> None:
        """Holds nothing."""
