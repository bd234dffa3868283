"""What the model sees beside what it paints, as a stream that OBS plays.

A camera of Linux has one reader, and that is the service: OBS cannot open it too. And where it
could (macOS), its picture would be early by what the model takes. Here both halves are of one
frame.

The stream is Motion JPEG over a Unix socket, 0600 in a 0700 folder, for this user's programs
alone. Nothing is encoded while nobody is connected; OBS connects while the scene is shown.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sdcam.control.local_server import LocalServer

if TYPE_CHECKING:
    import asyncio

Pixels = NDArray[np.uint8]
Pair = tuple[Pixels, Pixels]

_RATE = 25.0
_QUALITY = 90
# Small: what waits in here is late.
_WAITING_BYTES = 128 * 1024
_PATIENCE_SECONDS = 2.0  # for a program that connected and takes nothing
_MOST_VIEWERS = 4
_BEFORE_THE_FIRST = 512, 1024  # height and width of the dark picture

_log = logging.getLogger("sdcam.service")


class SideBySide:
    """Listens while entered. Without the socket the service goes on, and its log says why.

    Args:
        path: where the socket is made.
        newest: copies of what the model saw and what it painted, RGB (H, W, 3) each and of one
            size; None when neither may be shown (paused, a card is up): a dark picture is sent.
    """

    def __init__(self, path: Path, newest: Callable[[], Pair | None]) -> None:
        self._path = path
        self._newest = newest
        self._viewers = 0
        self._server = LocalServer(path, "side-by-side", self._serve, own_folder=True)

    def __enter__(self) -> None:
        try:
            self._server.open()
        except OSError as error:
            _log.warning("no picture for OBS's side by side at %s: %s", self._path, error)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._viewers < _MOST_VIEWERS:
            self._viewers += 1
            try:
                await self._show(writer)
            finally:
                self._viewers -= 1

    async def _show(self, viewer: asyncio.StreamWriter) -> None:
        import asyncio

        picture = _JpegPair()
        connection = viewer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _WAITING_BYTES)
        viewer.transport.set_write_buffer_limits(high=0)  # `drain` waits until all of it is sent
        due = time.monotonic()
        while not viewer.is_closing():
            viewer.write(picture.of(self._newest()))
            await asyncio.wait_for(viewer.drain(), _PATIENCE_SECONDS)
            # One that takes its time is sent fewer pictures, never older ones.
            due = max(due + 1.0 / _RATE, time.monotonic())
            await asyncio.sleep(due - time.monotonic())


class _JpegPair:
    """Encodes; the same pair twice is encoded once."""

    def __init__(self) -> None:
        self._last: Pair | None = None
        self._dark: Pixels = np.zeros((*_BEFORE_THE_FIRST, 3), np.uint8)
        self._encoded = b""

    def of(self, pair: Pair | None) -> bytes:
        if not self._encoded or not _same(pair, self._last):
            self._encoded, self._last = self._encode(pair), pair
        return self._encoded

    def _encode(self, pair: Pair | None) -> bytes:
        import cv2

        if pair is None:
            canvas = self._dark
        else:
            canvas = cv2.cvtColor(cv2.hconcat(pair), cv2.COLOR_RGB2BGR)
            if self._dark.shape != canvas.shape:  # the picture keeps its size when it goes dark
                self._dark = np.zeros_like(canvas)
        return cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def _same(one: Pair | None, other: Pair | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(map(np.array_equal, one, other))
