"""Looking at OBS's camera extension (macOS), through CoreMediaIO. Not yet seen on a Mac.

`kCMIODevicePropertyDeviceIsRunningSomewhere` needs no permission. It knows no names, changes for
moments, and our own sending may count as running: it then always says "somebody", which is no worse
than not asking.
"""

from __future__ import annotations

from sdcam.errors import MissingError
from sdcam.output.audience.sighting import Patience, Sight, Sighting
from sdcam.platforms.core_media_io import CoreMediaIO, ReadProperty, find_obs_camera, is_running

# Asked, not announced: a listener would need a run loop of its own to be sure of its calls.
_ASK_SECONDS = 0.2


class CameraExtensionLookout:
    """
    Raises:
        MissingError: OBS's extension is not active.
        OSError: CoreMediaIO cannot be asked.
    """

    patience = Patience(streaming_seconds=0.4)
    descriptors: tuple[tuple[int, int], ...] = ()

    def __init__(self, read: ReadProperty | None = None) -> None:
        self._read = read or CoreMediaIO().read
        device = find_obs_camera(self._read)
        if device is None:
            raise MissingError(
                "The camera extension of OBS is not there.", "`sdcam doctor` says why."
            )
        self._device = device

    def look(self) -> Sighting:
        running = is_running(self._read, self._device)
        sight = Sight.STREAMING if running else Sight.NOBODY
        return Sighting(sight, None if running else (), _ASK_SECONDS)

    def close(self) -> None:
        """There is nothing to give back."""
