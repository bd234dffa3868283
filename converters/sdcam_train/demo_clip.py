"""Makes the clip that plays as the camera in `sdcam demo`, out of freely licensed pictures.

    python -m sdcam_train.demo_clip daemon/sdcam/capture/demo/clip.mp4

A person in front of a moving backdrop, as in a video call, then a cup of coffee and a cat. The
pictures come inside scikit-image's wheel; sources and licences are in the clip's SOURCES.md. Every
movement is a function of the time and the seed: the same libraries make the same clip. Its end
melts into its start, so that it can play in a circle.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray
from skimage import data

Picture = NDArray[np.uint8]
Plane = NDArray[np.float32]

WIDTH, HEIGHT, FPS = 854, 480, 30
SECONDS = 14.0
COFFEE_AT, CAT_AT = 7.6, 10.8  # seconds; before them, and again at the end, the portrait
MELT = 0.4  # seconds from one scene to the next
NOISE = 2.0  # standard deviation of the sensor's noise, of 255
CRF = "21"
SEED = 7

# Polygons over the 512x512 portrait, as SVG writes points: surely the person, and maybe.
_SURELY = (
    "60,511 45,350 90,250 125,205 140,160 195,160 188,135 165,105 165,60 190,30 230,20 270,35 "
    "290,70 285,105 262,140 250,170 256,182 272,194 288,210 296,228 330,260 335,360 300,420 "
    "320,511",
    "300,420 320,375 370,352 420,352 470,385 495,440 500,500 300,511",
)
_MAYBE = (
    "120,511 20,511 20,330 60,230 110,195 140,140 140,60 170,15 230,5 290,30 310,80 300,140 "
    "325,190 360,240 360,360 400,340 440,340 490,380 511,440 511,511",
)
_HEAD, _NECK = (228.0, 90.0), (228.0, 190.0)
_EYES = ((203.0, 101.0), (248.0, 102.5))
_MOUTH = (224.0, 146.0)


def main() -> None:
    target = Path(sys.argv[1])
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
    command += ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS)]
    command += ["-i", "-", "-c:v", "libx264", "-preset", "slower", "-crf", CRF, "-threads", "1"]
    command += ["-pix_fmt", "yuv420p", "-g", str(2 * FPS), "-movflags", "+faststart"]
    command += ["-fflags", "+bitexact", "-flags:v", "+bitexact", str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as encoder:
        assert encoder.stdin is not None
        for frame in frames():
            encoder.stdin.write(frame.tobytes())
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB")


def frames() -> Iterator[Picture]:
    """BGR, (480, 854, 3), one after the other."""
    portrait, coffee, cat = _portrait(), _coffee(), _cat()
    noise = np.random.default_rng(SEED)
    cuts = [(0.0, portrait), (COFFEE_AT, coffee), (CAT_AT, cat), (SECONDS, portrait)]
    for number in range(round(SECONDS * FPS)):
        t = number / FPS
        now = max(index for index, (start, _) in enumerate(cuts) if start <= t)
        picture = cuts[now][1](t)
        start, scene = cuts[now + 1]
        if t > start - MELT:
            share = float(_smooth((t - start + MELT) / MELT))
            picture = cv2.addWeighted(picture, 1 - share, scene(t - SECONDS * (now == 2)), share, 0)
        grain = noise.normal(0, NOISE, (HEIGHT, WIDTH)).astype(np.float32)
        picture = picture + cv2.GaussianBlur(grain, (0, 0), 0.6)[:, :, None] * 1.6
        yield np.clip(picture + 0.5, 0, 255).astype(np.uint8)


Scene = Callable[[float], Plane]  # seconds -> BGR, float32, (480, 854, 3), 0 to 255


def _portrait() -> Scene:
    """The astronaut speaks, nods and blinks before a launch pad; repeats after SECONDS."""
    cutout = _cut_out(_bgr(data.astronaut()))
    backdrop = cv2.GaussianBlur(_bgr(data.rocket()).astype(np.float32), (0, 0), 1.2)
    column, row = np.meshgrid(
        np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32)
    )

    def scene(t: float) -> Plane:
        # Where in the portrait does each pixel of the frame lie?
        scale = 1.42 + 0.05 * _wave(t, 1, 0.1)
        x = (column - WIDTH / 2 - 9 * _wave(t, 2, 0.3)) / scale + _HEAD[0]
        y = (row - 30 - 3 * _wave(t, 3)) / scale + 6
        x, y = _breathe(x, y, t)
        x, y = _move_head(x, y, t)
        x, y = _move_face(x, y, t)
        person = cv2.remap(cutout, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
        person = np.clip(person, 0, 255)
        behind = _view(
            backdrop, zoom=1.8, x=0.625 + 0.035 * _wave(t, 1, 0.2), y=0.56, turn=0.8 * _wave(t, 2)
        )
        alpha = person[:, :, 3:] / 255
        return np.asarray(person[:, :, :3] + behind * (1 - alpha), np.float32)

    return scene


def _breathe(x: Plane, y: Plane, t: float) -> tuple[Plane, Plane]:
    """The shoulders rise and widen, and the head rides on them."""
    breath = _wave(t, 4)
    chest = _smooth((y - 150) / 160)
    return x + (x - _HEAD[0]) * 0.008 * breath * chest, y + 2.2 * breath


def _move_head(x: Plane, y: Plane, t: float) -> tuple[Plane, Plane]:
    """Tilts the head about the neck, and turns it: what is nearer to the camera moves further."""
    weight = 1 - _smooth((y - 130) / 85)
    angle = math.radians(5.0 * _wave(t, 2, 0.15) + 2.0 * _wave(t, 5, 0.6)) * weight
    dx, dy = x - _NECK[0], y - _NECK[1]
    x = _NECK[0] + dx * np.cos(angle) + dy * np.sin(angle)
    y = _NECK[1] - dx * np.sin(angle) + dy * np.cos(angle)
    nearness = _bump(x, y, _HEAD, 62, 80)
    turn = 7 * _wave(t, 3, 0.4) + 3 * _wave(t, 7)
    nod = 4 * _wave(t, 5, 0.2) + 2 * _wave(t, 9, 0.5)
    return x - turn * nearness, y - nod * nearness


def _move_face(x: Plane, y: Plane, t: float) -> tuple[Plane, Plane]:
    """Blinks every few seconds, and speaks in phrases."""
    closed = max(_pulse(t, at, 0.11) for at in (1.3, 3.9, 4.3, 6.8, 13.2))
    for eye in _EYES:
        # The skin below the brow is stretched over the eye, down to the lower lid.
        below_brow = np.interp(y - eye[1], (-10, 4, 8), (0, 8, 0)).astype(np.float32)
        y = y - closed * below_brow * _smooth(2 - np.abs(x - eye[0]) / 9)
    talking = _smooth(2.5 * _wave(t, 3, 0.55)) * (0.5 + 0.5 * _wave(t, 53) * _wave(t, 31, 0.3))
    jaw = _bump(x, y, (_MOUTH[0], _MOUTH[1] + 12), 40, 26) * _smooth((y - _MOUTH[1] + 4) / 8)
    return x, y - 3.5 * talking * jaw


def _coffee() -> Scene:
    """A cup that steams, seen by a hand-held camera."""
    picture = _bgr(data.coffee()).astype(np.float32)
    clouds = np.random.default_rng(SEED).normal(size=(1600, 300)).astype(np.float32)
    clouds = cv2.GaussianBlur(clouds, (0, 0), sigmaX=9, sigmaY=22)
    clouds = np.clip(clouds / np.abs(clouds).max() * 2.2, 0, 1)
    column, row = np.meshgrid(np.arange(600, dtype=np.float32), np.arange(400, dtype=np.float32))
    above_cup = _bump(column, row, (300, 80), 85, 110)

    def scene(t: float) -> Plane:
        s = t - COFFEE_AT
        rise = 900 + row * 0.9 + 95 * s
        sway = 150 + (column - 300) * 0.8 + 9 * np.sin(row / 26 + 2.6 * s).astype(np.float32)
        steam = cv2.remap(clouds, sway, rise, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        share = (0.5 * steam * above_cup)[:, :, None]
        steaming = picture * (1 - share) + np.float32(235) * share
        return _view(steaming, 1.75 - 0.05 * s, 0.44 + 0.03 * s, 0.42 + 0.03 * s, -4 + 2.2 * s)

    return scene


def _cat() -> Scene:
    """Chelsea breathes and looks about."""
    picture = _bgr(data.chelsea()).astype(np.float32)
    column, row = np.meshgrid(np.arange(451, dtype=np.float32), np.arange(300, dtype=np.float32))
    face = _bump(column, row, (240, 150), 170, 150)

    def scene(t: float) -> Plane:
        s = t - CAT_AT
        look = math.sin(1.9 * s) * 9
        nod = math.sin(3.1 * s + 1) * 4
        x = (column - look * face).astype(np.float32)
        y = (row - nod * face).astype(np.float32)
        looking = cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        return _view(looking, 2.25 - 0.06 * s, 0.50 + 0.01 * s, 0.5, 3 - 1.8 * s)

    return scene


def _view(picture: Plane, zoom: float, x: float, y: float, turn: float) -> Plane:
    """A frame of the picture around (x, y), shares of its size; `turn` in degrees."""
    height, width = picture.shape[:2]
    to_frame = cv2.getRotationMatrix2D((x * width, y * height), turn, zoom)
    to_frame[:, 2] += (WIDTH / 2 - x * width, HEIGHT / 2 - y * height)
    return np.asarray(
        cv2.warpAffine(
            picture, to_frame, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        )
    )


def _cut_out(picture: Picture) -> Plane:
    """The person alone: BGR multiplied by alpha, and alpha; float32, (512, 512, 4), 0 to 255."""
    labels = np.full(picture.shape[:2], cv2.GC_BGD, np.uint8)
    cv2.fillPoly(labels, [_points(text) for text in _MAYBE], cv2.GC_PR_FGD)
    cv2.fillPoly(labels, [_points(text) for text in _SURELY], cv2.GC_FGD)
    cv2.setRNGSeed(SEED)
    cv2.grabCut(
        picture, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 6, cv2.GC_INIT_WITH_MASK
    )
    mask = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8) * 255
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    inner = cv2.erode(mask, disc)
    # The rim mixes hair with the bright studio wall: colour it from inside.
    rim = cv2.dilate(mask, disc) & ~inner
    coloured = cv2.inpaint(picture, rim, 4, cv2.INPAINT_TELEA).astype(np.float32)
    shrunk = cv2.erode(mask, np.ones((3, 3), np.uint8)).astype(np.float32)
    alpha = cv2.GaussianBlur(shrunk, (0, 0), 1.1)
    return np.dstack([coloured * alpha[:, :, None] / 255, alpha])


def _points(text: str) -> NDArray[np.int32]:
    return np.array([point.split(",") for point in text.split()]).astype(np.int32)


def _bgr(picture: Picture) -> Picture:
    return np.ascontiguousarray(picture[:, :, ::-1])


def _wave(t: float, times: int, phase: float = 0.0) -> float:
    """A sine that goes `times` through its circle while the clip plays once."""
    return float(np.sin(2 * np.pi * (times * t / SECONDS + phase)))


def _pulse(t: float, at: float, width: float) -> float:
    """Up to 1 around the moment `at`, seconds, once each time that the clip plays."""
    away = (t - at + SECONDS / 2) % SECONDS - SECONDS / 2
    return float(np.exp(-((away / width) ** 4)))


def _bump(x: Plane, y: Plane, centre: tuple[float, float], wide: float, high: float) -> Plane:
    """1 at the centre, smoothly to 0 about `wide` and `high` pixels from it."""
    distance = ((x - centre[0]) / wide) ** 2 + ((y - centre[1]) / high) ** 2
    return np.asarray(np.exp(-2 * distance), np.float32)


def _smooth(share: NDArray[np.floating[Any]] | float) -> Plane:
    """0 to 1 without corners (smoothstep)."""
    x: Plane = np.clip(np.asarray(share, np.float32), 0, 1)
    return x * x * (3 - 2 * x)


if __name__ == "__main__":
    main()
