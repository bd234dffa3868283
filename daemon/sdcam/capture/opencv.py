"""OpenCV for the sources: silent, and with a bound on the wait for a camera.

The sources explain failures in their own sentences (sdcam.errors), so what OpenCV and FFmpeg print
would be noise. OpenCV reads these variables once, at its first use.
"""

from __future__ import annotations

import os

# A V4L2 read without a frame returns after this many seconds; OpenCV's own default is ten.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET

import cv2
from cv2.utils import logging

logging.setLogLevel(logging.LOG_LEVEL_SILENT)

__all__ = ["cv2"]
