"""A physical camera, through OpenCV: Video4Linux on Linux, AVFoundation on macOS."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from sdcam.capture.camera_faults import why_no_pictures
from sdcam.capture.cameras import CameraDevice, list_cameras
from sdcam.capture.opencv import cv2
from sdcam.capture.source import Pixels, SourceInfo
from sdcam.capture.standstill import Standstill
from sdcam.capture.video_file import plausible_fps
from sdcam.errors import SdcamError

if TYPE_CHECKING:
    from sdcam.settings.schema import CameraSettings

_FIRST_FRAME_S = 6.0  # some webcams take seconds to wake up
_SILENT_READS = 5  # reads without a frame until a camera counts as unplugged
_RETRY_S = 0.02
_LARGE = 640 * 480  # pixels; above this USB 2 is too slow for uncompressed pictures at 30 fps
_OLDEST_NS = 1_000_000_000

# (address, backend) -> an object with the methods of cv2.VideoCapture
OpenCapture = Callable[[Any, int], Any]


class CameraSource:
    """See `Source`. `info` holds what the camera really gives, not what was asked for."""

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
        fps = plausible_fps(self._capture.get(cv2.CAP_PROP_FPS))
        self.info = SourceInfo(name=device.name, width=width, height=height, fps=fps)
        self._standstill = Standstill(width, height, is_there=lambda: _is_there(device))

    def read(self, out: Pixels) -> int | None:
        for _ in range(_SILENT_READS):
            ok, frame = self._capture.read(out)
            if ok:
                break
            time.sleep(_RETRY_S)
        else:
            raise self._unplugged()
        captured = self._capture_time()
        if frame is not out:  # the camera has changed its size while running
            cv2.resize(frame, (out.shape[1], out.shape[0]), out, interpolation=cv2.INTER_AREA)
        if self._standstill.of_a_missing_camera(out, captured):
            raise self._unplugged()
        return captured

    def close(self) -> None:
        self._capture.release()

    def _ask_for(self, wanted: CameraSettings) -> None:
        """Drivers take what comes nearest. The pixel format comes first: it bounds the rest."""
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
        told = int(self._capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        return told if now - _OLDEST_NS < told <= now else now

    def _unplugged(self) -> SdcamError:
        return SdcamError(
            f'The camera "{self._device.name}" stopped giving pictures; it may be unplugged.',
            "Plug it in again: it is reopened by itself.",
        )


def _open(device: CameraDevice, open_capture: OpenCapture) -> Any:
    backend = cv2.CAP_V4L2
    if sys.platform == "darwin":
        backend = cv2.CAP_AVFOUNDATION
        # OpenCV asks for permission by spinning the main thread's run loop, and fails elsewhere.
        if threading.current_thread() is not threading.main_thread():
            os.environ.setdefault("OPENCV_AVFOUNDATION_SKIP_AUTH", "1")
    capture = open_capture(device.address, backend)
    if not capture.isOpened():
        capture.release()
        raise why_no_pictures(device)
    return capture


def _is_there(device: CameraDevice) -> bool:
    return any((d.name, d.node) == (device.name, device.node) for d in list_cameras())
