"""Procedural scenes: talking heads in rooms, because a webcam sees little else; and plain shapes.

Pictures are float32 RGB (size, size, 3) in [0, 1], drawn from a random generator.
"""

from __future__ import annotations

import cv2
import numpy as np

from .canvas import Canvas, Random, any_colour, smooth_noise
from .faces import head
from .filters import Picture, blur
from .pictures import Pixels


def room(size: int, random: Random) -> Picture:
    """A room: wall, window or shelf or picture, a lamp's light, sometimes out of focus."""
    canvas = Canvas.plain(size, any_colour(random, 0.2, 0.95))
    s = float(size)
    slope = random.normal(size=2) * 0.25
    light = 1 + slope[0] * (canvas.columns / s - 0.5) + slope[1] * (canvas.rows / s - 0.5)
    canvas.picture *= light[..., None].astype(np.float32)
    for _ in range(int(random.integers(0, 4))):
        left, top = random.uniform(-0.2, 0.9, 2) * s
        width, height = random.uniform(0.15, 0.6, 2) * s
        kind = random.integers(0, 5)
        if kind == 0:  # window: frame, panes, sky
            canvas.lay(
                canvas.box(left - 5, top - 5, left + width + 5, top + height + 5),
                any_colour(random, 0.5, 1),
            )
            sky = np.array([0.75, 0.87, 1.0], np.float32) * random.uniform(0.5, 1.1)
            canvas.lay(
                canvas.box(left, top, left + width, top + height), np.asarray(sky, np.float32)
            )
            canvas.lay(
                canvas.box(left + width / 2 - 2, top, left + width / 2 + 3, top + height),
                any_colour(random),
            )
        elif kind == 1:  # shelf with books
            shelf = canvas.box(left, top, left + width, top + height)
            canvas.lay(shelf, any_colour(random, 0.1, 0.5))
            x = left + 3
            while x < left + width - 6:
                thick = random.uniform(4, 16)
                tall = random.uniform(0.5, 0.95) * height
                canvas.lay(
                    canvas.box(x, top + height - tall, x + thick - 1, top + height - 4),
                    any_colour(random),
                )
                x += thick
        elif kind == 2:  # framed picture
            canvas.lay(
                canvas.box(left, top, left + width, top + height), any_colour(random, 0, 0.6)
            )
            inner = 0.5 + 0.25 * np.stack([smooth_noise(random, size, 8) for _ in range(3)], -1)
            canvas.lay(canvas.box(left + 7, top + 7, left + width - 7, top + height - 7), inner)
        elif kind == 3:  # lamp
            glow = np.exp(
                -(((canvas.columns - left) ** 2 + (canvas.rows - top) ** 2) / (2 * (0.12 * s) ** 2))
            )
            canvas.picture += glow[..., None] * np.array([0.5, 0.4, 0.2], np.float32)
            canvas.lay(
                canvas.ellipse(left, top, 0.05 * s, 0.06 * s), np.array([1, 0.96, 0.8], np.float32)
            )
        else:  # plant
            for _ in range(12):
                tip = np.array([left, top]) + random.normal(size=2) * 0.16 * s
                bend = (np.array([left, top + 0.2 * s]) + tip) / 2 + random.normal(size=2) * 8
                leaf = np.array([[left, top + 0.2 * s], bend, tip], np.float32)
                green = np.array([0.15, 0.45, 0.15], np.float32) * random.uniform(0.5, 1.6)
                canvas.lay(
                    canvas.stroke(leaf, random.uniform(3, 11)), np.asarray(green, np.float32)
                )
    if random.random() < 0.6:
        canvas.picture = blur(canvas.picture, random.uniform(0.6, 6))
    canvas.picture += smooth_noise(random, size, int(random.choice([16, 64, 128])))[
        ..., None
    ] * random.uniform(0, 0.03)
    return np.asarray(np.clip(canvas.picture, 0, 1), np.float32)


def talking_head(size: int, random: Random) -> Picture:
    """A webcam scene, (size, size, 3) in [0, 1]: one person, sometimes several, in a room.

    Heads are 9 to 30 % of a 512-pixel frame in half-width, so a crop may hold an eye or a person.
    One in seven sits before a bright window, one in eight in the dark.
    """
    wall = room(size, random)
    picture = wall
    people = int(random.choice([1, 2, 3, 4], p=[0.80, 0.12, 0.05, 0.03]))
    for _ in range(people):
        largest = 0.26 if people < 3 else 0.13
        r = 512 * float(np.exp(random.uniform(np.log(0.07), np.log(largest))))
        x, y = size * random.uniform(0.15, 0.85), size * random.uniform(0.2, 0.75)
        picture = head(picture, x, y, r, random)
    light = random.random()
    if light < 0.14:  # against the light: people dark, the wall behind them bright
        people_mask = blur((np.abs(picture - wall).sum(-1) > 0.02).astype(np.float32), 1.0)
        bright = np.clip(wall * random.uniform(1.2, 2.0) + 0.25, 0, 1)
        picture = bright + people_mask[..., None] * (picture * random.uniform(0.3, 0.6) - bright)
    elif light < 0.26:  # a dim room, lit by a screen or a lamp
        picture = picture * random.uniform(0.2, 0.5) * (0.7 + 0.6 * any_colour(random, 0.3, 0.9))
    if random.random() < 0.5:  # a coloured light from one side
        tint = 1 + 0.35 * (any_colour(random) - 0.5)
        ramp = np.linspace(0, 1, size, dtype=np.float32)[None, :, None]
        ramp = ramp if random.random() < 0.5 else ramp[:, ::-1]
        picture = picture * (1 + ramp * (tint - 1))
    return np.asarray(np.clip(picture, 0, 1), np.float32)


def held_out_people(size: int) -> list[tuple[Pixels, list[tuple[slice, slice]]]]:
    """Three drawn people of seeds that training never draws, with the boxes of eyes and mouths."""
    people = []
    for seed in range(3):
        random = np.random.default_rng([2026, seed])
        x, y, r = 0.5 * size, 0.46 * size, (0.13 + 0.03 * seed) * size
        picture = head(room(size, random), x, y, r, random)

        def box(across: float, down: float, wide: float, high: float) -> tuple[slice, slice]:
            left, top = x + (across - wide) * r, y + (down - high) * r  # noqa: B023
            return (
                slice(int(top), int(top + 2 * high * r)),  # noqa: B023
                slice(int(left), int(left + 2 * wide * r)),  # noqa: B023
            )

        boxes = [box(-0.4, -0.1, 0.34, 0.3), box(0.4, -0.1, 0.34, 0.3), box(0, 0.8, 0.5, 0.25)]
        people.append((np.asarray(picture * 255 + 0.5, np.uint8), boxes))
    return people


def shapes(size: int, random: Random) -> Picture:
    """Gradients, textures, outlines and letters: edges of every kind in every colour."""
    canvas = Canvas.plain(size, any_colour(random))
    angle = random.uniform(0, 2 * np.pi)
    ramp = np.cos(angle) * canvas.columns / size + np.sin(angle) * canvas.rows / size
    canvas.picture += ramp[..., None] * (any_colour(random) - 0.5)
    if random.random() < 0.6:
        grain = smooth_noise(random, size, int(random.choice([4, 8, 16, 32, 64])))
        canvas.picture += grain[..., None] * random.uniform(-0.2, 0.2, 3).astype(np.float32)
    for _ in range(int(random.integers(3, 16))):
        x, y = random.uniform(-0.1, 1.1, 2) * size
        rx, ry = random.uniform(4, 120, 2)
        kind = random.integers(0, 5)
        if kind == 0:
            mask = canvas.ellipse(x, y, rx, ry, random.uniform(0.8, 20))
        elif kind == 1:
            mask = canvas.box(x - rx, y - ry, x + rx, y + ry)
        elif kind == 2:
            points = random.uniform(-0.1, 1.1, (int(random.integers(2, 6)), 2)) * size
            mask = canvas.stroke(points.astype(np.float32), random.uniform(1, 14))
        elif kind == 3:
            points = random.uniform(-0.1, 1.1, (int(random.integers(3, 7)), 2)) * size
            mask = canvas.polygon(points.astype(np.float32))
        else:
            letters = np.zeros((size, size), np.uint8)
            text = "".join(random.choice(list("ABCDEFGHIKLMNORSTUabcdegkmnorst0123456789"), 7))
            face, height = int(random.integers(0, 5)), float(random.uniform(0.4, 3))
            cv2.putText(
                letters, text, (int(x) - 60, int(y)), face, height, 255,
                int(random.integers(1, 5)), cv2.LINE_AA,
            )  # fmt: skip
            mask = np.asarray(letters / np.float32(255), np.float32)
        canvas.lay(mask * np.float32(random.uniform(0.5, 1)), any_colour(random, 0, 1))
    if random.random() < 0.3:
        canvas.picture = blur(canvas.picture, random.uniform(0.5, 3))
    return np.asarray(np.clip(canvas.picture, 0, 1), np.float32)
