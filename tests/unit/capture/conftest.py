"""Pictures and videos made on the spot, in the formats that users bring."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from stepped_clock import SteppedClock

from sdcam.capture import pace

MakeVideo = Callable[..., Path]


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    """Writes a video whose frame i is grey with the value 10 * i, modulo 250."""

    def make(
        name: str = "clip.mp4", frames: int = 10, size: tuple[int, int] = (64, 48), fps: float = 100
    ) -> Path:
        path = tmp_path / name
        fourcc = cv2.VideoWriter.fourcc(*"mp4v")
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, fps, size)
        assert writer.isOpened()
        for i in range(frames):
            writer.write(np.full((size[1], size[0], 3), 10 * i % 250, np.uint8))
        writer.release()
        return path

    return make


@pytest.fixture
def ffmpeg() -> Callable[..., None]:
    def run(*arguments: str | Path) -> None:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
        subprocess.run(command, check=True)

    return run


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SteppedClock:
    """The clock of everything that keeps a pace."""
    clock = SteppedClock()
    monkeypatch.setattr(pace, "time", clock)
    return clock
