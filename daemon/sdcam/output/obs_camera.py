"""Writing to OBS's camera extension (macOS). Not yet run on a Mac.

pyvirtualcam's `send` never fails there: neither when the extension is gone, nor when it takes no
frames. Both are found out here.
"""

from __future__ import annotations

from collections.abc import Callable

from sdcam.errors import MissingError, SdcamError, UsageError
from sdcam.output.loopback import gone
from sdcam.platforms.core_media_io import (
    CoreMediaIO,
    ReadProperty,
    device_numbers,
    find_obs_camera,
)
from sdcam.platforms.names import CAMERA_NAME, OBS_CAMERA

# OBS's extension hands pictures through unscaled under a description that says 1920x1080: apps
# show other shapes squeezed or not at all (obs-studio#10263, pyvirtualcam#110).
OBS_SIZES = ((1280, 720), (1920, 1080))
_BYTES_A_PIXEL = 2

_FRAMES_A_WINDOW = 60  # at least
_KEPT_SHARE = 0.9  # of a window's frames that are still in memory
_WINDOWS = 2  # in a row: nothing else in this process grows for so long


class ObsDriver:
    """See `virtual_camera.Driver`.

    Raises:
        UsageError: macOS has no camera of that name, or none of that size.
    """

    pixel_format = "UYVY"  # what the extension's stream carries
    device = name = OBS_CAMERA

    def __init__(
        self,
        device: str,
        width: int,
        height: int,
        read: ReadProperty | None = None,
        memory: Callable[[], int] | None = None,
    ) -> None:
        """
        Args:
            device: OBS_CAMERA, or the settings' default name, which is that of Linux.
            width: of the frames in pixels.
            height: of the frames in pixels.
            read: properties of CoreMediaIO's objects; None for the system's own.
            memory: bytes that this process has in memory; None for the real one.
        """
        if device not in (OBS_CAMERA, CAMERA_NAME):
            raise UsageError(
                f'macOS has no virtual camera "{device}".',
                f'It is called "{OBS_CAMERA}": leave output.device out.',
            )
        if (width, height) not in OBS_SIZES:
            raise UsageError(
                f"{OBS_CAMERA} does not show {width}x{height}.",
                "Set output.width and output.height to 1280 and 720, or 1920 and 1080.",
            )
        self._frame_bytes = width * height * _BYTES_A_PIXEL
        self._read = read
        self._memory = memory or own_memory
        self._bytes_before = 0
        self._device: int | None = None
        self._missed = False
        self._window_start = self._grown = 0

    def opened(self) -> None:
        """Notes which device it is: one that comes back has another number."""
        self._bytes_before = self._memory()
        try:
            self._read = self._read or CoreMediaIO().read
            self._device = find_obs_camera(self._read)
        except OSError:
            self._device = None  # not known: then it is never found missing

    def find_fault(self, sent: int) -> SdcamError | None:
        if self._is_lost():
            return gone(self.name)
        if sent - self._window_start >= _FRAMES_A_WINDOW and self._piles_up(sent):
            return SdcamError(
                f"virtual-camera:{self.name} takes no frames.",
                "Stop the virtual camera in OBS: only one program can send to it. It is reopened "
                "automatically.",
            )
        return None

    def left(self) -> None:
        """The extension notices our end."""

    def explain(self, reason: str) -> MissingError:
        if "not found" in reason or "not installed" in reason:
            return MissingError(
                f"{OBS_CAMERA} is not there.",
                "Install OBS 30 or later (brew install --cask obs), open it, press Start Virtual "
                "Camera once, allow the extension in System Settings > General > Login Items & "
                "Extensions > Camera Extensions, then quit OBS. "
                "`systemextensionsctl list` shows whether it is active.",
            )
        return MissingError(
            f"{OBS_CAMERA} cannot be opened: {reason}",
            "Stop the virtual camera in OBS and in other programs, then try again.",
        )

    def _is_lost(self) -> bool:
        """True at the second check that misses the device: while a camera is plugged in, the system
        makes its list again."""
        if self._device is None or self._read is None:
            return False
        try:
            missing = self._device not in device_numbers(self._read)
        except OSError:
            return False
        lost, self._missed = missing and self._missed, missing
        return lost

    def _piles_up(self, sent: int) -> bool:
        """Whether frames stay in the memory of this process because the extension takes none.

        pyvirtualcam does not check whether a frame was taken, and never frees one that was not:
        55 MB a second at 1280x720. By its source the extension stops taking our frames when OBS
        starts or stops its own virtual camera. Only the memory shows it.
        """
        frames, self._window_start = sent - self._window_start, sent
        before, self._bytes_before = self._bytes_before, self._memory()
        grew = self._bytes_before - before
        piled_up = grew >= _KEPT_SHARE * frames * self._frame_bytes
        self._grown = self._grown + 1 if piled_up else 0
        return self._grown >= _WINDOWS


def own_memory() -> int:
    """Bytes in memory of this process."""
    import psutil

    return int(psutil.Process().memory_info().rss)
