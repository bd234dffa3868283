"""Training examples: a frame, a prompt, a strength, and the picture that is wanted.

They are drawn from a seed, so a resumed run draws what it would have. On a CPU they are drawn in
between; for a GPU, processes draw the batches of the next steps ahead.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .dataset import PHOTO, STYLES, Pixels, Random, Tiles, webcam_noise
from .filters import Picture
from .lights import LIGHTS
from .prompts import training_prompt
from .teachers import to_pixels

CROP = 160
FULL_STYLE_STRENGTH = 0.5  # from here on the style is complete
LIT = 0.3  # share of the tasks that ask for a light
BLENDED = 0.1  # share of the tasks that blend two styles
LAYERS = (PHOTO, *STYLES)  # in the order of a tile
# How often a style is drawn, 1 where not named: what has the most structure takes the longest.
EMPHASIS = {PHOTO: 0.9, "hdr": 0.8, "cyberpunk": 0.9, "pencil": 1.4, "ukiyo-e": 1.2, "pop art": 1.3}
_SHARES = np.array([EMPHASIS.get(layer, 1.0) for layer in LAYERS])
SHARES = _SHARES / _SHARES.sum()


@dataclass(frozen=True)
class Task:
    """One training example: pictures uint8 (CROP, CROP, 3), one or two prompts, a strength.

    `grain`, (CROP / 8, CROP / 8, 4), is the noise that the target was painted with.
    """

    frame: Pixels
    clean: Pixels
    target: Pixels
    grain: Picture
    style: int  # in `LAYERS`
    prompt: str
    second_prompt: str | None
    blend: float  # share of the second prompt
    strength: float


def style_amount(strength: float) -> float:
    """How much of the style a strength asks for, 0 to 1."""
    return min(1.0, strength / FULL_STYLE_STRENGTH)


def _strength(random: Random) -> float:
    """Half of the tasks use the strength that the gallery is shown at."""
    kind = random.random()
    if kind < 0.5:
        return FULL_STYLE_STRENGTH
    return float(random.uniform(0.02, 0.5) if kind < 0.75 else random.uniform(0.5, 1.0))


def draw(tiles: Tiles, random: Random, crop: int = CROP) -> Task:
    """A random tile, style, wording, strength; some with a light, some a blend of two styles."""
    first = int(random.choice(len(LAYERS), p=SHARES))
    second, blend, light = first, 0.0, None
    if random.random() < BLENDED:
        second, blend = int(random.integers(0, len(LAYERS))), float(random.uniform(0.2, 0.8))
    elif random.random() < LIT:
        light = str(random.choice(list(LIGHTS)))
    number = int(random.integers(len(tiles)))
    pixels, grain = tiles.crop(number, [0, first, second], crop, random)
    layers = pixels.astype(np.float32) / np.float32(255)
    styled = layers[1] + blend * (layers[2] - layers[1])
    if light is not None:
        styled = np.clip(LIGHTS[light](styled), 0, 1)
    clean, strength = layers[0], _strength(random)
    amount = style_amount(strength)
    seen = webcam_noise(np.asarray(clean * 2 - 1, np.float32), random)
    return Task(
        to_pixels(np.asarray(seen / 2 + 0.5, np.float32)),
        pixels[0],
        to_pixels(np.asarray(clean + amount * (styled - clean), np.float32)),
        grain,
        first,
        training_prompt(LAYERS[first], random, light),
        training_prompt(LAYERS[second], random) if blend else None,
        blend,
        strength,
    )


def batch(tiles: Tiles, seeds: list[int], size: int) -> list[Task]:
    """The tasks of one step, from the seeds of run, worker and step."""
    random = np.random.default_rng(seeds)
    return [draw(tiles, random) for _ in range(size)]


_opened: dict[Path, Tiles] = {}  # of a drawing process


def _batch_from(folder: Path, seeds: list[int], size: int) -> list[Task]:
    if folder not in _opened:
        _opened[folder] = Tiles.open(folder)
    return batch(_opened[folder], seeds, size)


class Ahead:
    """Batches of successive steps, drawn by other processes while the GPU works."""

    def __init__(self, folder: Path, size: int, processes: int | None = None) -> None:
        self.folder, self.size = folder, size
        count = processes or max(1, len(os.sched_getaffinity(0)) - 2)
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(count, mp_context=spawn)
        self._depth = 2 * count
        self._drawn: deque[tuple[list[int], Future[list[Task]]]] = deque()

    def take(self, seeds: list[int]) -> list[Task]:
        """The batch of the step that ends `seeds`; those after it are begun."""
        while self._drawn and self._drawn[0][0] != seeds:
            self._drawn.popleft()[1].cancel()
        step = self._drawn[-1][0][-1] + 1 if self._drawn else seeds[-1]
        while len(self._drawn) < self._depth:
            wanted = [*seeds[:-1], step]
            drawn = self._pool.submit(_batch_from, self.folder, wanted, self.size)
            self._drawn.append((wanted, drawn))
            step += 1
        return self._drawn.popleft()[1].result()

    def close(self) -> None:
        """Ends the processes."""
        self._pool.shutdown(cancel_futures=True)
