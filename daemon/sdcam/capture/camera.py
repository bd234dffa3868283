"""A physical camera, through OpenCV: Video4Linux on Linux, AVFoundation on macOS."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdcam.arrays import Pixels
from sdcam.capture.cameras import CameraDevice
from sdcam.capture.listing import list_cameras
from sdcam.capture.opencv import cv2
from sdcam.capture.source import Source, SourceInfo, delivered_size, plausible_fps
from sdcam.errors import MissingError, SdcamError
from sdcam.platforms.device_rights import how_to_get_access
from sdcam.platforms.device_users import users_of

if TYPE_CHECKING:
    from sdcam.settings.schema import CameraSettings

_FIRST_FRAME_S = 6.0  # some webcams take seconds to wake up
_SILENT_READS = 5  # reads without a frame until a camera counts as unplugged
_RETRY_S = 0.02
_LARGE = 640 * 480  # pixels; above this USB 2 is too slow for uncompressed pictures at 30 fps
_OLDEST_NS = 1_000_000_000

# (address, backend) -> an object with the methods of cv2.VideoCapture
OpenCapture = Callable[[Any, int], Any]


class CameraSource(Source):
    """Delivers what the camera really gives, not what was asked for; a picture larger than
    1920x1080 is scaled down to fit, by area averaging."""

    def __init__(
        self,
        device: CameraDevice,
        wanted: CameraSettings,
        open_capture: OpenCapture = cv2.VideoCapture,
    ) -> None:
        """Opens the camera and waits for its first frame.

        Raises:
            MissingError: in use by another program, not permitted, or gone.
            SdcamError: open, and yet without a picture.
        """
        self._device = device
        self._capture = _open(device, open_capture)
        try:
            self._ask_for(wanted)
            first = self._first_frame()
        except BaseException:
            self._capture.release()  # else the camera's light stays on
            raise
        height, width = first.shape[:2]
        width, height = delivered_size(width, height)
        # Where the camera's frames go that have another shape than those delivered.
        self._native = None if first.shape == (height, width, 3) else np.empty_like(first)
        fps = plausible_fps(self._capture.get(cv2.CAP_PROP_FPS))
        self.info = SourceInfo(name=device.name, width=width, height=height, fps=fps)
        self._freeze = FreezeDetector(width, height, is_there=lambda: _is_there(device))

    def read(self, out: Pixels) -> int | None:
        for _ in range(_SILENT_READS):
            ok, frame = self._capture.read(out if self._native is None else self._native)
            if ok:
                break
            time.sleep(_RETRY_S)
        else:
            raise self._unplugged()
        captured = self._capture_time()
        if frame is not out:
            size = (out.shape[1], out.shape[0])
            cv2.resize(frame, size, out, interpolation=cv2.INTER_AREA)
            # The camera may have changed its size while it runs.
            self._native = None if frame.shape == out.shape else frame
        if self._freeze.of_a_missing_camera(out, captured):
            raise self._unplugged()
        return captured

    def close(self) -> None:
        self._capture.release()

    def _ask_for(self, wanted: CameraSettings) -> None:
        """Drivers take the nearest that they have. The pixel format limits the rest, so it comes
        first."""
        if "MJPG" in self._device.formats and wanted.width * wanted.height > _LARGE:
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, wanted.width)
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, wanted.height)
        self._capture.set(cv2.CAP_PROP_FPS, wanted.fps)

    def _first_frame(self) -> Pixels:
        until = time.monotonic() + _FIRST_FRAME_S
        while True:
            ok, frame = self._capture.read()
            if ok and frame is not None and frame.size:
                return np.asarray(frame)
            if time.monotonic() > until:
                raise why_no_pictures(self._device)
            time.sleep(_RETRY_S)

    def _capture_time(self) -> int:
        """When the driver got the frame, where it says so by our clock; else now."""
        now = time.monotonic_ns()
        stamp = int(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        return stamp if now - _OLDEST_NS < stamp <= now else now

    def _unplugged(self) -> SdcamError:
        return SdcamError(
            f'The camera "{self._device.name}" stopped giving pictures; it may be unplugged.',
            "Plug it in again: it is reopened automatically.",
        )


class FreezeDetector:
    """Finds a camera that is gone and still says OK, repeating its last picture (opencv#14044).

    It compares a few rows of every frame; a sensor's noise changes them each time. An unchanged
    picture is no proof, since a closed shutter gives black without noise. So the system is asked
    whether the camera is still there.
    """

    FIRST_DOUBT_NS = 2_000_000_000
    NEXT_DOUBT_NS = 30_000_000_000  # asking takes a second on macOS, in which no frame is read
    ROWS = 8

    def __init__(self, width: int, height: int, is_there: Callable[[], bool]) -> None:
        self._every = max(1, height // self.ROWS)
        rows = len(range(0, height, self._every))
        self._last: Pixels = np.zeros((rows, width, 3), np.uint8)
        self._equal = np.zeros((rows, width, 3), np.bool_)
        self._is_there = is_there
        self._ask_at = 0  # ns; 0 until the first frame

    def of_a_missing_camera(self, frame: Pixels, now: int) -> bool:
        """True once the same picture comes again and again from a camera that is not listed.

        Args:
            frame: (height, width, 3).
            now: `time.monotonic_ns()`.
        """
        rows = frame[:: self._every]
        np.equal(rows, self._last, out=self._equal)
        if not self._ask_at or not self._equal.all():
            np.copyto(self._last, rows)
            self._ask_at = now + self.FIRST_DOUBT_NS
            return False
        if now < self._ask_at:
            return False
        self._ask_at = now + self.NEXT_DOUBT_NS
        return not self._is_there()


def why_no_pictures(device: CameraDevice) -> SdcamError:
    """The likeliest reason, after a failed open or a first frame that never came."""
    if sys.platform == "darwin":
        # Without permission macOS opens the camera and sends nothing: there is no other sign.
        return MissingError(
            f'The camera "{device.name}" opened but sent no pictures.',
            "Allow it in System Settings > Privacy & Security > Camera, and close other programs "
            "that use it.",
        )
    try:
        os.close(os.open(device.node, os.O_RDWR | os.O_NONBLOCK))
    except PermissionError:
        return MissingError(
            f'This user may not open "{device.name}" ({device.node}).',
            ", ".join(how_to_get_access(Path(device.node))),
        )
    except OSError as error:
        return MissingError(
            f'"{device.name}" ({device.node}) cannot be opened: {error.strerror}.',
            "Plug it in again; `sdcam cameras` lists what is there.",
        )
    if programs := users_of(device.node):
        return MissingError(
            f'"{device.name}" ({device.node}) is in use by {", ".join(programs)}.',
            "Close that program, or let it use the virtual camera instead.",
        )
    return SdcamError(
        f'"{device.name}" ({device.node}) opened but sent no pictures.',
        "Another user's program may have it; plug it in again, or try a smaller camera.width.",
    )


def _open(device: CameraDevice, open_capture: OpenCapture) -> Any:
    backend = cv2.CAP_V4L2
    if sys.platform == "darwin":
        backend = cv2.CAP_AVFOUNDATION
        # OpenCV asks for permission by running the main thread's run loop, and fails elsewhere.
        if threading.current_thread() is not threading.main_thread():
            os.environ.setdefault("OPENCV_AVFOUNDATION_SKIP_AUTH", "1")
    capture = open_capture(device.address, backend)
    if not capture.isOpened():
        capture.release()
        raise why_no_pictures(device)
    return capture


def _is_there(device: CameraDevice) -> bool:
    return any((d.name, d.node) == (device.name, device.node) for d in list_cameras())
