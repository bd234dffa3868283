"""Tiles: pictures with all ten teachers' renderings, computed once and read as memory maps.

A shard is a `.npy` file, uint8 (tiles, 11, TILE, TILE, 3): layer 0 is the clean picture, layers 1
to 10 its renderings in the order of `TEACHERS`. Tile `n` depends on the seed and on `n` alone, so
shards can be made in any order, by any number of processes, and more can be added later. So
does its grain, the noise that the painters take their strokes from; it is drawn when it is needed.
"""

from __future__ import annotations

import functools
import logging
import multiprocessing
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from . import faces, pictures, scenes
from .filters import Picture
from .teachers import TEACHERS, paint_all

log = logging.getLogger(__name__)

TILE = 288
SHARD = 125  # tiles in a shard: 343 MB
STYLES = tuple(TEACHERS)
PHOTO = "photo"  # the identity, layer 0

Pixels = npt.NDArray[np.uint8]
Random = np.random.Generator


@functools.cache
def _sources() -> tuple[list[Pixels], npt.NDArray[np.float64]]:
    weights = np.array([source.weight for source in pictures.TRAINED.values()])
    return [pictures.load(source) for source in pictures.TRAINED.values()], weights / weights.sum()


def _photograph(random: Random) -> Picture:
    photographs, shares = _sources()
    chosen = photographs[random.choice(len(photographs), p=shares)]
    crop = pictures.random_crop(chosen, TILE, random)
    return np.asarray(crop / np.float32(255), np.float32)


def _scene(random: Random) -> Picture:
    """One of the kinds of picture, before colour changes."""
    kind = random.random()
    if kind < 0.40:
        return scenes.talking_head(TILE, random)
    if kind < 0.80:
        return _photograph(random)
    if kind < 0.88:  # a person before a photograph
        x, y = TILE * random.uniform(0.2, 0.8, 2)
        return faces.head(_photograph(random), x, y, random.uniform(40, 120), random)
    if kind < 0.92:  # two photographs with a soft seam
        ramp = cv2.resize(random.normal(size=(4, 4)).astype(np.float32), (TILE, TILE))
        seam = 0.5 + 0.5 * np.tanh(ramp * random.uniform(3, 30))[..., None]
        first, second = _photograph(random), _photograph(random)
        return np.asarray(first * seam + second * (1 - seam), np.float32)
    return scenes.shapes(TILE, random)


def _develop(picture: Picture, random: Random) -> Pixels:
    """Another camera, another light: hue, gamma, exposure, white balance, blur, JPEG."""
    if random.random() < 0.5:
        hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
        turn = random.uniform(0, 360) if random.random() < 0.35 else random.normal() * 12
        hsv[..., 0] = (hsv[..., 0] + turn) % 360
        hsv[..., 1] = np.clip(hsv[..., 1] * random.uniform(0.2, 1.5), 0, 1)
        picture = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.float32)
    light = np.clip(picture, 0, 1) ** np.float32(np.exp(random.normal() * 0.3))
    light = (light - 0.5) * random.uniform(0.6, 1.25) + 0.5 + random.normal() * 0.06
    light = light * random.uniform(0.88, 1.12, 3)
    if random.random() < 0.35:
        light = cv2.GaussianBlur(light, (0, 0), random.uniform(0.4, 1.6))
    pixels: Pixels = (np.clip(light, 0, 1) * 255 + 0.5).astype(np.uint8)
    if random.random() < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(45, 95))]
        jpeg = cv2.imencode(".jpg", pixels, quality)[1]
        pixels = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)
    return pixels


def grain_of(number: int) -> Picture:
    """The grain of a tile, (TILE / 8, TILE / 8, 4)."""
    cells = TILE // 8
    return np.random.default_rng([7, number]).standard_normal((cells, cells, 4), np.float32)


def tile(seed: int, number: int) -> Pixels:
    """One tile with its renderings, uint8 (11, TILE, TILE, 3)."""
    cv2.setNumThreads(1)
    random = np.random.default_rng([seed, number])
    picture = _develop(_scene(random), random)
    painted = paint_all(picture, grain_of(number))
    return np.stack([picture, *(painted[style] for style in STYLES)])


def _write_shard(folder: Path, seed: int, index: int) -> None:
    shape = (SHARD, 1 + len(STYLES), TILE, TILE, 3)
    unfinished = folder / f"tiles-{index:03d}.part"
    tiles = np.lib.format.open_memmap(  # type: ignore[no-untyped-call]
        unfinished, "w+", np.uint8, shape
    )
    for offset in range(SHARD):
        tiles[offset] = tile(seed, index * SHARD + offset)
    tiles.flush()
    unfinished.rename(folder / f"tiles-{index:03d}.npy")


def make(folder: Path, shards: int, seed: int = 0, processes: int = 2) -> None:
    """Writes the missing shards of the first `shards`."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [n for n in range(shards) if not (folder / f"tiles-{n:03d}.npy").exists()]
    started = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for _ in pool.imap_unordered(functools.partial(_write_shard, folder, seed), missing):
            log.info("a shard after %.0f s", time.monotonic() - started)


@dataclass
class Tiles:
    """The shards of a folder as one collection."""

    shards: list[npt.NDArray[np.uint8]]

    @classmethod
    def open(cls, folder: Path) -> Tiles:
        paths = sorted(folder.glob("tiles-*.npy"))
        if not paths:
            raise FileNotFoundError(
                f"no tiles in {folder}; make them with `python -m sdcam_train data`"
            )
        return cls([np.load(path, mmap_mode="r") for path in paths])

    @property
    def layers(self) -> int:
        """The picture and its renderings."""
        return int(self.shards[0].shape[1])

    def __len__(self) -> int:
        return sum(len(shard) for shard in self.shards)

    def crop(
        self, number: int, layers: list[int], size: int, random: Random
    ) -> tuple[Pixels, Picture]:
        """The same crop of some layers, (layers, size, size, 3), aligned with the latent grid, and
        of the grain, (size / 8, size / 8, 4)."""
        shard = self.shards[number // SHARD][number % SHARD]
        row, column = random.integers(0, (TILE - size) // 8 + 1, 2)
        top, left, cells = 8 * row, 8 * column, size // 8
        pixels = [shard[layer, top : top + size, left : left + size] for layer in layers]
        grain = grain_of(number)[row : row + cells, column : column + cells]
        return np.stack(pixels), grain


def webcam_noise(picture: Picture, random: Random) -> Picture:
    """What a cheap sensor adds, in place of nothing, for a picture in [-1, 1].

    White noise of up to 12 grey levels, 24 in the dark, sometimes coarser as after a video codec.
    """
    if random.random() < 0.35:
        return picture
    level = random.uniform(0.5, 12 if picture.mean() > -0.5 else 24) / 127.5
    noise = random.standard_normal(picture.shape, np.float32)
    if random.random() < 0.3:
        half = random.standard_normal((picture.shape[0] // 2, picture.shape[1] // 2, 3), np.float32)
        noise = cv2.resize(half, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    if random.random() < 0.4:
        noise = noise.mean(-1, keepdims=True) * 1.7
    return np.asarray(picture + level * noise, np.float32)
