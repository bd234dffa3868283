"""The virtual camera: v4l2loopback on Linux, the camera extension of OBS on macOS."""

from __future__ import annotations

import logging
import math
import statistics
import sys
import time
from collections import deque
from functools import partial
from pathlib import Path
from typing import Any

from sdcam.errors import MissingError, SdcamError, UsageError
from sdcam.output.backlog import WINDOW, Backlog
from sdcam.output.loopback import explain_refusal, leave, make_ready
from sdcam.output.pixel_format import check_frame, frame_shape
from sdcam.output.presence import ExtensionPresence, NodePresence, Presence
from sdcam.output.sink import Pixels
from sdcam.platforms.loopback import SYS, find_loopback
from sdcam.platforms.names import CAMERA_NAME, OBS_CAMERA
from sdcam.settings.schema import OutputSettings

# OBS's extension hands pictures through unscaled under a description that says 1920x1080: apps
# show other shapes squeezed or not at all (obs-studio#10263, pyvirtualcam#110).
OBS_SIZES = ((1280, 720), (1920, 1080))
_TIMES_KEPT = 120
_LOOK_EVERY = 15  # frames: twice a second

_log = logging.getLogger("sdcam.output")


class VirtualCamera:
    """Feeds the camera that video apps offer. It stays theirs as long as frames keep coming.

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
        if platform == "linux":
            self.pixel_format = "I420"  # what v4l2loopback is given as it is
            node = find_loopback(device, sys_root)
            make_ready(node, output.width, output.height, sys_root)
            self.name = f"virtual-camera:{device}" + (f" ({node})" if node != device else "")
        elif platform == "darwin":
            self.pixel_format = "UYVY"  # what the extension's stream carries
            node = _obs_camera(device, output)
            self.name = f"virtual-camera:{node}"
        else:
            raise MissingError(
                f"There is no virtual camera on {platform}: sdcam feeds v4l2loopback on Linux and "
                "OBS's camera on macOS.",
                "Use one of those two.",
            )
        self._leave = partial(leave, node, sys_root) if platform == "linux" else None
        self._shape = frame_shape(self.pixel_format, output.width, output.height)
        self._sent = 0
        self._send_times: deque[float] = deque(maxlen=_TIMES_KEPT)
        self._camera = _open(node, output, self.pixel_format, platform)
        self._presence = _presence(node, platform)
        frame_bytes = math.prod(self._shape)
        self._backlog = Backlog(frame_bytes) if platform == "darwin" else None

    @property
    def send_ms(self) -> float:
        """Median time of the last 120 sends in milliseconds; 0 before the first."""
        return statistics.median(self._send_times) if self._send_times else 0.0

    def report(self) -> dict[str, float]:
        """For the status."""
        return {"send_ms": round(self.send_ms, 2)}

    def send(self, frame: Pixels) -> None:
        if self._camera is None:
            raise SdcamError(f"{self.name} is closed.")
        check_frame(frame, self._shape, self.name)
        self._sent += 1
        if self._sent % _LOOK_EVERY == 0 and self._presence.lost():
            # The driver takes frames of a device that is gone without a word.
            raise SdcamError(f"{self.name} is gone.", "It is opened again when it comes back.")
        if self._backlog and self._sent % WINDOW == 0 and self._backlog.grows():
            raise SdcamError(
                f"{self.name} takes no frames.",
                "Stop the virtual camera in OBS: one program can send to it. It is opened again.",
            )
        start = time.perf_counter()
        try:
            self._camera.send(frame)
        except Exception as error:  # whatever a backend raises, the device is gone
            fault = SdcamError(
                f"{self.name} takes no more frames: {error}", "It is opened again by itself."
            )
        else:
            self._send_times.append((time.perf_counter() - start) * 1e3)
            return
        # Out here, without `error`: its traceback would keep the backend alive as long as the fault
        # is remembered, and while one is alive macOS's refuses to open another.
        raise fault

    def close(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            try:
                camera.close()
            except Exception as error:
                _log.warning("%s did not close: %s", self.name, error)
            if self._leave is not None:
                self._leave()


def _presence(node: str, platform: str) -> Presence:
    return NodePresence(Path(node)) if platform == "linux" else ExtensionPresence()


def _open(node: str, output: OutputSettings, pixel_format: str, platform: str) -> Any:
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
            fmt=pyvirtualcam.PixelFormat[pixel_format],
            device=node,
        )
    except (RuntimeError, ValueError) as error:
        if platform == "linux":
            raise explain_refusal(node, str(error)) from error
        raise _explain_obs(str(error)) from error


def _obs_camera(device: str, output: OutputSettings) -> str:
    """macOS has one virtual camera; the settings' default name is that of Linux."""
    if device not in (OBS_CAMERA, CAMERA_NAME):
        raise UsageError(
            f'macOS has no virtual camera "{device}".',
            f'It is called "{OBS_CAMERA}": leave output.device out.',
        )
    if (output.width, output.height) not in OBS_SIZES:
        raise UsageError(
            f"{OBS_CAMERA} does not show {output.width}x{output.height}.",
            "Set output.width and output.height to 1280 and 720, or 1920 and 1080.",
        )
    return OBS_CAMERA


def _explain_obs(reason: str) -> MissingError:
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
