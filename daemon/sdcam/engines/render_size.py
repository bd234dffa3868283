"""The size of the picture when the user names none: the largest wide one that this machine paints
smoothly, measured once and remembered.

Cameras are wide: a square costs as much and shows little more than half of the picture. Only the
embedded model is measured; large models are trained for one size.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sdcam import paths
from sdcam.atomic_file import atomic_write
from sdcam.errors import SdcamError
from sdcam.models import ModelFolder
from sdcam.models.folder import USUAL_SIZE
from sdcam.models.registry import EMBEDDED
from sdcam.pipeline.frame import Frame, FrameBuffers
from sdcam.pipeline.img2img import Img2Img
from sdcam.pipeline.look import Look
from sdcam.pipeline.networks import Networks

Size = tuple[int, int]
Open = Callable[[Size], Networks]

WIDE: tuple[Size, ...] = ((640, 384), (512, 320), (448, 256), (320, 192))
SMOOTH_FPS = 15.0
_FRAMES = 6

_log = logging.getLogger("sdcam.model")


def auto_size(model: ModelFolder, engine: str, open_at: Open, cache: Path | None = None) -> Size:
    """(width, height) in pixels.

    Args:
        engine: `model.engine`; each engine has a measurement of its own.
        open_at: opens the model at a size.
        cache: file of the measurements; None: in the user's cache folder.
    """
    if model.name != EMBEDDED:
        return USUAL_SIZE
    cache = cache or paths.cache_folder() / "render-size.json"
    key = " ".join((model.name, engine, platform.machine(), _processor(), f"x{os.cpu_count()}"))
    known = _read(cache)
    if (remembered := known.get(key)) in _BY_NAME:
        return _BY_NAME[remembered]
    size = measured_size(open_at)
    _write(cache, {**known, key: _name(size)})
    return size


def measured_size(open_at: Open) -> Size:
    """Times the smallest size and scales by area. A small picture costs more per pixel than a large
    one, so the estimate is on the safe side."""
    smallest = WIDE[-1]
    networks = open_at(smallest)
    try:
        seconds = _seconds_a_frame(networks)
    finally:
        networks.close()
    for size in WIDE:
        estimate = 1 / (seconds * size[0] * size[1] / (smallest[0] * smallest[1]))
        if estimate >= SMOOTH_FPS:
            break
    _log.info("render size %s: about %.0f fps on this machine", _name(size), estimate)
    return size


def _seconds_a_frame(networks: Networks) -> float:
    """The quickest of a few frames: other load on the machine only makes frames slower."""
    width, height = networks.spec.width, networks.spec.height
    look = Look("oil", smoothing=0.0)
    img2img = Img2Img(networks, look)
    random = np.random.default_rng(0)
    times = []
    for _ in range(_FRAMES):
        camera = random.integers(0, 255, (height, width, 3), np.uint8)
        buffers = FrameBuffers.allocate(networks.spec, camera)
        start = time.perf_counter()
        img2img.stylize(Frame(look, 0), buffers)
        times.append(time.perf_counter() - start)
    return min(times)


def _name(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


_BY_NAME = {_name(size): size for size in WIDE}


def _processor() -> str:
    """Its model name, so that a home folder that moves to another machine is measured again."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def _read(cache: Path) -> dict[str, str]:
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(cache: Path, known: dict[str, str]) -> None:
    """If the cache is not writable, the next start measures again."""
    try:
        atomic_write(cache, json.dumps(known, indent=2).encode())
    except SdcamError as error:
        _log.info("%s", error.what)
