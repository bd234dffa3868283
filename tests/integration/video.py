"""Reading back what was recorded."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


def frames_of(path: Path) -> NDArray[np.uint8]:
    """All frames of a video, BGR (n, h, w, 3)."""
    video = cv2.VideoCapture(str(path))
    frames = []
    while True:
        good, frame = video.read()
        if not good:
            break
        frames.append(frame)
    video.release()
    return np.stack(frames) if frames else np.zeros((0, 1, 1, 3), np.uint8)
