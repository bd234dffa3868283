"""What the scenes show beside the virtual camera: the prompt as text, and the side by side.

A Linux camera has one reader, which is the service, so OBS cannot open it as well. On macOS OBS
could, but its picture would be ahead of the styled one by the latency of the model. So the service
sends both halves of one frame.

The stream is Motion JPEG over a Unix socket with mode 0600 in a folder with mode 0700: only this
user's programs can connect. Nothing is encoded while no program is connected, and OBS connects only
while it shows the scene.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sdcam.arrays import Pixels
from sdcam.atomic_file import atomic_write
from sdcam.control.local_server import LocalServer
from sdcam.errors import SdcamError
from sdcam.paths import cache_folder

Pair = tuple[Pixels, Pixels]

_RATE = 25.0  # pictures a second
_QUALITY = 90
_SEND_BUFFER_BYTES = 128 * 1024  # small: a picture that waits here is late
_SEND_SECONDS = 2.0  # then a viewer that reads nothing is disconnected
_MAX_VIEWERS = 4
_DARK_SHAPE = 512, 1024  # height and width of the dark picture before the first pair

_log = logging.getLogger("sdcam.service")


# Scenes keep these paths, so they never change. They are in the home folder because OBS from
# Flathub does not see the runtime folder.
def caption_file() -> Path:
    """The prompt as text."""
    return cache_folder() / "obs" / "prompt.txt"


def side_by_side_socket() -> Path:
    """The socket of the side by side."""
    return cache_folder() / "obs" / "side-by-side.sock"


class CaptionFile:
    """The current prompt in a file, which OBS reads once a second. Writes are atomic.

    A caption that cannot be written is no fault of the service: the log says it once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text: str | None = None
        self._failed = False

    def write(self, text: str) -> None:
        """Writes `text` as UTF-8, if it differs from the last text. Not thread-safe."""
        if text == self._text:
            return
        try:
            atomic_write(self._path, text.encode(), mode=0o600)
        except SdcamError as error:
            if not self._failed:
                _log.warning("no caption for OBS: %s", error)
            self._failed = True
            return
        self._text, self._failed = text, False


class SideBySide:
    """A server that listens from `open` to `close`, or while entered. If the socket cannot be made,
    the log says why and the service runs without it.

    Args:
        path: of the socket.
        newest: returns copies of the model's input and of its output, both RGB uint8 (H, W, 3) of
            one size; or None while neither may be shown (paused, or a card is up). A dark picture
            is sent then.
    """

    def __init__(self, path: Path, newest: Callable[[], Pair | None]) -> None:
        self._path = path
        self._newest = newest
        self._viewers = 0
        self._server = LocalServer(path, "side-by-side", self._serve, own_folder=True)

    def open(self) -> None:
        try:
            self._server.open()
        except OSError as error:
            _log.warning("no side by side for OBS at %s: %s", self._path, error)

    def close(self) -> None:
        self._server.close()

    def __enter__(self) -> None:
        self.open()

    def __exit__(self, *error: object) -> None:
        self.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._viewers < _MAX_VIEWERS:
            self._viewers += 1
            try:
                await self._stream(writer)
            finally:
                self._viewers -= 1

    async def _stream(self, viewer: asyncio.StreamWriter) -> None:
        encoder = _PairEncoder()
        connection = viewer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        viewer.transport.set_write_buffer_limits(high=0)  # `drain` waits until all of it is sent
        due = time.monotonic()
        while not viewer.is_closing():
            viewer.write(encoder.jpeg(self._newest()))
            await asyncio.wait_for(viewer.drain(), _SEND_SECONDS)
            # A slow viewer gets fewer pictures, never older ones.
            due = max(due + 1.0 / _RATE, time.monotonic())
            await asyncio.sleep(due - time.monotonic())


class _PairEncoder:
    """Encodes pairs for one viewer. A pair that repeats is encoded once."""

    def __init__(self) -> None:
        self._last: Pair | None = None
        self._dark: Pixels = np.zeros((*_DARK_SHAPE, 3), np.uint8)
        self._jpeg = b""

    def jpeg(self, pair: Pair | None) -> bytes:
        if not self._jpeg or not _same(pair, self._last):
            self._jpeg, self._last = self._encode(pair), pair
        return self._jpeg

    def _encode(self, pair: Pair | None) -> bytes:
        import cv2

        if pair is None:
            picture = self._dark
        else:
            picture = cv2.cvtColor(cv2.hconcat(pair), cv2.COLOR_RGB2BGR)
            if self._dark.shape != picture.shape:  # the stream keeps its size when it goes dark
                self._dark = np.zeros_like(picture)
        return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def _same(one: Pair | None, other: Pair | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(map(np.array_equal, one, other))
