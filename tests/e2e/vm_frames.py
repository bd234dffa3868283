"""What an app gets from the virtual camera: ffmpeg reads it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray
from vm_devices import BARS, LOOPBACK, OUT
from vm_user import HEIGHT, WIDTH, User

Pixels = NDArray[np.uint8]

_PATIENCE = 5.0
_ROWS = {"rgb24": 3 * HEIGHT, "yuv420p": HEIGHT * 3 // 2}  # of WIDTH bytes


class Viewer:
    """A program that shows the virtual camera until it is closed."""

    def __init__(self, user: User, layout: str) -> None:
        self._rows = _ROWS[layout]
        self.times: list[float] = []  # of every frame, in seconds
        self._process = user.start(
            [
                *(imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-nostats"),
                *("-f", "v4l2", "-i", LOOPBACK, "-fps_mode", "passthrough"),  # no frame twice
                *("-f", "rawvideo", "-pix_fmt", layout, "-"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=False,
        )

    def next(self) -> Pixels:
        """The next frame: RGB (H, W, 3), or I420 (H*3/2, W)."""
        assert self._process.stdout is not None and self._process.stderr is not None
        data = self._process.stdout.read(self._rows * WIDTH)
        assert data, self._process.stderr.read().decode()
        self.times.append(time.monotonic())
        frame = np.frombuffer(data, np.uint8)
        return frame.reshape((HEIGHT, WIDTH, 3) if self._rows == 3 * HEIGHT else (-1, WIDTH))

    def close(self) -> str:
        """What ffmpeg has said of the stream."""
        self._process.terminate()
        try:
            _, said = self._process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:  # it waits for a frame, and for nothing else
            self._process.kill()
            _, said = self._process.communicate()
        return said.decode()


@contextmanager
def viewer(user: User, layout: str = "rgb24") -> Iterator[Viewer]:
    program = Viewer(user, layout)
    try:
        yield program
    finally:
        program.close()


def newest(user: User, frames: int = 5) -> Pixels:
    """A frame, RGB, after some older ones."""
    with viewer(user) as program:
        return [program.next() for _ in range(frames)][-1]


def bars(frame: Pixels) -> dict[str, tuple[int, ...]]:
    """The colour in the middle of each of vivid's bars, below its lettering."""
    height, width = frame.shape[:2]
    lower = frame[height * 85 // 100 : height * 97 // 100]
    step = width / len(BARS)
    return {
        name: tuple(
            int(value)
            for value in np.median(
                lower[:, round((i + 0.4) * step) : round((i + 0.6) * step)].reshape(-1, 3), axis=0
            )
        )
        for i, (name, _) in enumerate(BARS)
    }


def keep(name: str, frame: Pixels) -> None:
    """For who wants to look at it afterwards."""
    cv2.imwrite(str(OUT / f"{name}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
