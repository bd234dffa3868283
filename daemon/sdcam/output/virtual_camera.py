"""The virtual camera: v4l2loopback on Linux, the camera extension of OBS on macOS."""

from __future__ import annotations

import logging
import statistics
import sys
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sdcam.arrays import Pixels
from sdcam.errors import MissingError, SdcamError
from sdcam.output.loopback import LoopbackDriver
from sdcam.output.obs_camera import ObsDriver
from sdcam.output.sink import DRAIN_SECONDS, Sink, check_frame, frame_shape
from sdcam.platforms.loopback import SYS

if TYPE_CHECKING:
    from sdcam.settings.schema import OutputSettings

_CHECK_SECONDS = 0.5
_TIMES_KEPT = 120

_log = logging.getLogger("sdcam.output")


class Driver(Protocol):
    """What differs between the systems."""

    device: str  # as pyvirtualcam opens it
    name: str  # as the user calls it
    pixel_format: str

    def opened(self) -> None:
        """pyvirtualcam has opened the device."""
        ...

    def find_fault(self, sent: int) -> SdcamError | None:
        """Whether the device is gone or takes nothing, which no driver tells the program that
        writes. Called twice a second; takes some microseconds and never raises.

        Args:
            sent: frames so far.
        """
        ...

    def left(self) -> None:
        """pyvirtualcam has closed the device."""
        ...

    def explain(self, reason: str) -> MissingError:
        """Why pyvirtualcam could not open the device, from what it says."""
        ...


class VirtualCamera(Sink):
    """Feeds the camera that video apps offer. It stays in their lists as long as frames come.

    Raises:
        UsageError: macOS has no camera of that name, or none of that size.
        MissingError: a driver, the device or a permission is missing, or another program has it.
    """

    def __init__(
        self,
        device: str,
        output: OutputSettings,
        platform: str = sys.platform,
        sys_root: Path = SYS,
    ) -> None:
        """
        Args:
            device: the camera's name as apps show it; on Linux also /dev/videoN.
            output: size and frame rate.
            platform: "linux" or "darwin".
            sys_root: where Linux describes its devices.
        """
        self._driver = _driver(device, output, platform, sys_root)
        self.pixel_format = self._driver.pixel_format
        self.name = f"virtual-camera:{self._driver.name}"
        self._shape = frame_shape(self.pixel_format, output.width, output.height)
        self._sent = 0
        self._send_times: deque[float] = deque(maxlen=_TIMES_KEPT)
        self._camera = _open(self._driver, output)
        self._driver.opened()
        self._check_at = time.perf_counter() + _CHECK_SECONDS

    def report(self) -> dict[str, float]:
        """`send_ms`: median of the last 120 sends in milliseconds; 0 before the first."""
        times = list(self._send_times)
        return {"send_ms": round(statistics.median(times), 2) if times else 0.0}

    def send(self, frame: Pixels) -> None:
        if self._camera is None:
            raise SdcamError(f"{self.name} is closed.")
        check_frame(frame, self._shape, self.name)
        start = time.perf_counter()
        if start >= self._check_at:
            self._check_at = start + _CHECK_SECONDS
            if fault := self._driver.find_fault(self._sent):
                raise fault
            start = time.perf_counter()
        self._sent += 1
        try:
            self._camera.send(frame)
        except Exception as error:  # whatever a backend raises, the device is gone
            fault = SdcamError(
                f"{self.name} takes no more frames: {error}", "It is reopened automatically."
            )
        else:
            self._send_times.append((time.perf_counter() - start) * 1e3)
            return
        # Raised out here, without `error`: its traceback would keep the backend alive as long as
        # the fault is remembered, and macOS's backend refuses to open another one meanwhile.
        raise fault

    def close(self, drain_seconds: float = DRAIN_SECONDS) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            try:
                camera.close()
            except Exception as error:
                _log.warning("%s did not close: %s", self.name, error)
            self._driver.left()


def _driver(device: str, output: OutputSettings, platform: str, sys_root: Path) -> Driver:
    if platform == "linux":
        return LoopbackDriver(device, output.width, output.height, sys_root)
    if platform == "darwin":
        return ObsDriver(device, output.width, output.height)
    raise MissingError(
        f"There is no virtual camera on {platform}: sdcam feeds v4l2loopback on Linux and OBS's "
        "camera on macOS.",
        "Use one of those two.",
    )


def _open(driver: Driver, output: OutputSettings) -> Any:
    try:
        import pyvirtualcam
    except ImportError as error:
        raise MissingError(
            f"pyvirtualcam does not load: {error}.", "Install it again: pip install pyvirtualcam"
        ) from error
    try:
        return pyvirtualcam.Camera(
            output.width,
            output.height,
            output.fps,
            fmt=pyvirtualcam.PixelFormat[driver.pixel_format],
            device=driver.device,
        )
    except (RuntimeError, ValueError) as error:
        raise driver.explain(str(error)) from error
