"""A program that shows coloured bars in the virtual camera, as the product sends its picture.

A line on its input makes it let go of the device, the next one open it again, with the bars moved.
Says "sends" and "away".
"""

from __future__ import annotations

import select
import sys

import cv2
import numpy as np
from loopback_colours import COLOURS
from vm_devices import NAME

from sdcam.output.virtual_camera import VirtualCamera
from sdcam.settings.schema import OutputSettings

_OUTPUT = OutputSettings(width=320, height=180, fps=5)


def main() -> None:
    colours = list(COLOURS.values())
    while True:
        _send(colours)
        print("away", flush=True)
        sys.stdin.readline()
        colours = colours[1:] + colours[:1]


def _send(colours: list[tuple[int, int, int]]) -> None:
    bars = np.repeat(np.array([colours], np.uint8), _OUTPUT.width // len(colours), axis=1)
    picture = np.repeat(bars, _OUTPUT.height, axis=0)
    frame = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420)
    camera = VirtualCamera(NAME, _OUTPUT)
    camera.send(frame)
    print("sends", flush=True)
    while not select.select([sys.stdin], [], [], 1 / _OUTPUT.fps)[0]:
        camera.send(frame)
    sys.stdin.readline()
    camera.close()


if __name__ == "__main__":
    main()
