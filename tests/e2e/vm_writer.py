"""A program that writes to the virtual camera, as the product does: python vm_writer.py"""

from __future__ import annotations

import time

import numpy as np
from vm_devices import NAME

from sdcam.output.virtual_camera import VirtualCamera
from sdcam.settings.schema import OutputSettings

OUTPUT = OutputSettings(width=320, height=180, fps=5)


def main() -> None:
    camera = VirtualCamera(NAME, OUTPUT)
    frame = np.full((OUTPUT.height * 3 // 2, OUTPUT.width), 128, np.uint8)
    camera.send(frame)
    print("ready", flush=True)
    while True:
        time.sleep(1 / OUTPUT.fps)
        camera.send(frame)


if __name__ == "__main__":
    main()
