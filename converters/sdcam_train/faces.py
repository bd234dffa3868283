"""Drawn people: head, hair, features, clothes, in many skin tones and with some accessories.

They stand in for photographs of people, of which there are only two. Sizes are given in `r`,
half of the head's width.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .canvas import Canvas, Random, any_colour, smooth_noise
from .filters import Picture, Plane

Colours = npt.NDArray[np.float32]

# From very light to very dark; in between comes by interpolation.
SKIN = np.array(
    [
        (0.98, 0.85, 0.77), (0.95, 0.78, 0.66), (0.87, 0.67, 0.52), (0.76, 0.56, 0.42),
        (0.60, 0.42, 0.30), (0.44, 0.29, 0.20), (0.29, 0.19, 0.14),
    ],
    np.float32,
)  # fmt: skip
HAIR = np.array(
    [
        (0.05, 0.04, 0.04), (0.16, 0.10, 0.07), (0.32, 0.19, 0.10), (0.52, 0.35, 0.18),
        (0.80, 0.64, 0.38), (0.60, 0.25, 0.12), (0.72, 0.71, 0.70), (0.25, 0.30, 0.55),
    ],
    np.float32,
)  # fmt: skip
IRIS = np.array(
    [(0.20, 0.12, 0.07), (0.34, 0.22, 0.10), (0.28, 0.42, 0.55), (0.30, 0.42, 0.28)], np.float32
)


def _between(table: Colours, random: Random) -> Colours:
    """A colour between two neighbours of a table."""
    place = random.uniform(0, len(table) - 1)
    low = int(min(place, len(table) - 2))
    return np.asarray(table[low] + (place - low) * (table[low + 1] - table[low]), np.float32)


def _shade(canvas: Canvas, x: float, y: float, rx: float, ry: float, sun: float) -> Plane:
    """Lambert shading of an ellipsoid lit from the side `sun` (-1 left, 1 right) and above."""
    u, v = (canvas.columns - x) / (rx * 1.15), (canvas.rows - y) / (ry * 1.15)
    depth = np.sqrt(np.clip(1 - u * u - v * v, 0.02, 1))
    shade = 0.62 * depth + 0.32 * sun * u - 0.18 * v + 0.32
    return np.asarray(np.clip(shade, 0.25, 1.15), np.float32)


def _eyes(canvas: Canvas, x: float, y: float, r: float, random: Random, dark: Colours) -> None:
    """Two eyes with iris, pupil, glint and lids, and the brows above; r = half the head's width."""
    iris = IRIS[random.integers(len(IRIS))]
    gaze, lid = random.normal() * 0.03, random.uniform(0.09, 0.15)
    for side in (-1, 1):
        cx = x + side * 0.40 * r
        white = canvas.ellipse(cx, y, 0.19 * r, lid * r, 1.0)
        canvas.lay(canvas.ellipse(cx, y - 0.02 * r, 0.23 * r, (lid + 0.05) * r, 2.5) * 0.35, dark)
        canvas.lay(white, np.array([0.94, 0.93, 0.92], np.float32) * 0.95)
        canvas.lay(white * canvas.ellipse(cx + gaze * r, y, 0.105 * r, 0.105 * r, 1.0), iris)
        canvas.lay(white * canvas.ellipse(cx + gaze * r, y, 0.05 * r, 0.05 * r, 1.0), iris * 0.1)
        canvas.lay(
            canvas.ellipse(cx + (gaze + 0.035) * r, y - 0.035 * r, 0.024 * r, 0.024 * r, 0.8),
            np.ones(3, np.float32),
        )
        t = np.linspace(-1, 1, 9, dtype=np.float32)
        upper = np.stack([cx + t * 0.20 * r, y - lid * r * (1 - t * t)], -1)
        canvas.lay(canvas.stroke(upper, 0.045 * r) * 0.9, dark * 0.4)
        brow = np.stack(
            [cx + t * 0.25 * r, y - (0.30 + 0.05 * (1 - t * t)) * r - side * t * 0.01 * r], -1
        )
        canvas.lay(canvas.stroke(brow, random.uniform(0.05, 0.10) * r) * 0.85, dark)


def _mouth(canvas: Canvas, x: float, y: float, r: float, random: Random, skin: Colours) -> None:
    """Lips, closed or smiling or open with teeth."""
    lips = np.clip(skin * np.array([0.92, 0.58, 0.58], np.float32), 0, 1)
    smile, wide = random.uniform(-0.02, 0.12), random.uniform(0.26, 0.4)
    t = np.linspace(-1, 1, 13, dtype=np.float32)
    middle = np.stack([x + t * wide * r, y - smile * r * t * t], -1)
    opening = random.uniform(0.05, 0.16) if random.random() < 0.4 else 0.0
    upper = np.stack([x + t * wide * r, y - smile * r * t * t - 0.08 * r * (1 - t * t)], -1)
    lower = np.stack(
        [x + t * wide * r, y - smile * r * t * t + (0.10 + opening) * r * (1 - t * t)], -1
    )
    canvas.lay(canvas.polygon(np.concatenate([upper, lower[::-1]])), lips)
    if opening:
        inside = np.stack(
            [x + t * wide * 0.85 * r, y - smile * r * t * t + opening * r * (1 - t * t)], -1
        )
        mouth = canvas.polygon(np.concatenate([middle * 1.0, inside[::-1]]))
        canvas.lay(mouth, np.array([0.25, 0.08, 0.08], np.float32))
        canvas.lay(
            mouth * canvas.box(0, 0, 1e4, y + opening * 0.45 * r),
            np.array([0.95, 0.94, 0.9], np.float32),
        )
    else:
        canvas.lay(canvas.stroke(middle, 0.03 * r) * 0.8, lips * 0.45)


def _fringe(
    canvas: Canvas,
    x: float,
    y: float,
    r: float,
    ry: float,
    random: Random,
    lowest: float,
    hair: Colours,
) -> None:
    """The hair before the head: a slanted fringe, and sides down to the row `lowest`."""
    top = canvas.ellipse(x, y - 0.55 * ry, 1.12 * r, 0.62 * ry, 2.5, 2.2)
    fringe = y - random.uniform(0.35, 0.62) * ry
    lean = random.normal() * 0.25
    below = np.clip((fringe + lean * (canvas.columns - x) - canvas.rows) / 4 + 0.5, 0, 1)
    sides = (
        canvas.ellipse(x, y, 1.06 * r, 1.05 * ry, 2)
        * np.clip((np.abs(canvas.columns - x) / r - 0.86) * 12, 0, 1)
        * np.clip((lowest - canvas.rows) / 6, 0, 1)
    )
    canvas.lay(np.asarray(np.maximum(top * below, sides), np.float32), hair)


def hand(canvas: Canvas, x: float, y: float, r: float, skin: Colours, random: Random) -> None:
    """A raised hand with its forearm, palm at (x, y), as wide as `r` in all."""
    turn, sleeve = random.normal() * 0.4, any_colour(random)
    up = np.array([np.sin(turn), -np.cos(turn)], np.float32)
    side = np.array([up[1], -up[0]], np.float32)
    palm = np.array([x, y], np.float32)
    arm = np.stack([palm - 0.2 * r * up, palm - 1.6 * r * up])
    canvas.lay(canvas.stroke(arm, 0.42 * r), skin * 0.85)
    canvas.lay(canvas.stroke(np.stack([palm - 0.9 * r * up, palm - 2.4 * r * up]), 0.6 * r), sleeve)
    canvas.lay(canvas.ellipse(x, y, 0.36 * r, 0.42 * r, 2), skin)
    closed = random.random() < 0.25
    for finger in range(5):
        spread = (finger - 1.8) * 0.20 if finger < 4 else 0.62
        along = up + side * spread * (0.6 if finger < 4 else 1.4)
        start = palm + side * (spread * 0.75 * r) + up * (0.26 * r if finger < 4 else -0.05 * r)
        reach = (0.15 if closed else 0.55) * r * (0.8 if finger in (0, 4) else 1.0)
        line = np.stack([start, start + along * reach]).astype(np.float32)
        canvas.lay(canvas.stroke(line, 0.19 * r), skin * 0.72)
        canvas.lay(canvas.stroke(line, 0.15 * r), skin * random.uniform(0.96, 1.04))


def _hands(canvas: Canvas, x: float, y: float, r: float, skin: Colours, random: Random) -> None:
    """A raised hand beside the head, sometimes."""
    for side in (-1, 1):
        if random.random() < 0.12:
            reach = x + side * random.uniform(1.3, 2.0) * r, y + random.uniform(-0.2, 1.6) * r
            hand(canvas, *reach, random.uniform(0.7, 1.0) * r, skin, random)


def _accessories(canvas: Canvas, x: float, y: float, r: float, ry: float, random: Random) -> None:
    """Glasses, sunglasses or headphones, sometimes."""
    if random.random() < 0.35:  # glasses
        frame = any_colour(random, 0, 0.4)
        if random.random() < 0.2:
            for eye in (-1, 1):
                lens = canvas.ellipse(x + eye * 0.41 * r, y - 0.04 * r, 0.31 * r, 0.24 * r, 1, 3)
                canvas.lay(lens * random.uniform(0.6, 0.95), frame * 0.3)
        for eye in (-1, 1):
            outer = canvas.ellipse(x + eye * 0.41 * r, y - 0.04 * r, 0.33 * r, 0.26 * r, 1, 3)
            inner = canvas.ellipse(x + eye * 0.41 * r, y - 0.04 * r, 0.28 * r, 0.21 * r, 1, 3)
            canvas.lay(np.asarray(np.clip(outer - inner, 0, 1), np.float32), frame)
        canvas.lay(canvas.box(x - 0.1 * r, y - 0.1 * r, x + 0.1 * r, y - 0.05 * r), frame)
    if random.random() < 0.15:  # headphones
        grey = any_colour(random, 0, 0.5)
        t = np.linspace(np.pi, 2 * np.pi, 24, dtype=np.float32)
        band = np.stack([x + 1.12 * r * np.cos(t), y - 0.1 * r + 1.28 * ry * np.sin(t)], -1)
        canvas.lay(canvas.stroke(band.astype(np.float32), 0.13 * r), grey)
        for ear in (-1, 1):
            canvas.lay(
                canvas.ellipse(x + ear * 1.1 * r, y + 0.1 * r, 0.2 * r, 0.36 * r, 1.5, 3), grey
            )


def head(picture: Picture, x: float, y: float, r: float, random: Random) -> Picture:
    """Draws a person: head at (x, y) with half-width r, hair, neck and shoulders."""
    canvas = Canvas.plain(len(picture), np.zeros(3, np.float32))
    canvas.picture = picture.copy()
    skin, hair = _between(SKIN, random), HAIR[random.integers(len(HAIR))] * random.uniform(0.7, 1.2)
    hair = np.asarray(np.clip(hair, 0, 1), np.float32)
    ry, sun = r * random.uniform(1.25, 1.42), random.uniform(-1, 1)
    across = int(random.choice([24, 48, 96]))
    strands = smooth_noise(random, len(picture), across, across if random.random() < 0.3 else 10)
    strands = 1 + 0.28 * strands[..., None] * random.uniform(0.3, 1)
    sheen = _shade(canvas, x, y - 0.5 * r, 1.4 * r, 1.6 * r, sun)[..., None]
    hair_picture = np.asarray(np.clip(hair * strands * (0.5 + 0.6 * sheen), 0, 1), np.float32)
    style = random.integers(0, 5)  # bald, short, bob, long, bun
    if style in (2, 3):
        drop = 1.35 if style == 2 else 2.4
        back = canvas.ellipse(
            x, y + (drop - 1.2) * 0.5 * r, 1.28 * r, (ry / r + 0.15 + drop * 0.35) * r, 3, 2.6
        )
        canvas.lay(back, hair_picture)
    cloth = any_colour(random)
    folds = 1 + 0.12 * smooth_noise(random, len(picture), 12)[..., None]
    if random.random() < 0.3:
        cloth_wave = 0.5 + 0.5 * np.sign(np.sin(canvas.rows * random.uniform(0.15, 0.6)))
        folds = folds * (0.7 + 0.5 * cloth_wave[..., None])
    body = canvas.ellipse(x, y + ry + 1.75 * r, random.uniform(1.9, 2.6) * r, 1.6 * r, 2, 3.0)
    side = np.clip(1 + 0.25 * sun * (canvas.columns - x) / (2 * r), 0.4, 1.3)[..., None]
    canvas.lay(canvas.box(x - 0.5 * r, y + 0.5 * ry, x + 0.5 * r, y + ry + 0.55 * r), skin * 0.72)
    canvas.lay(body, np.asarray(np.clip(cloth * folds * side, 0, 1), np.float32))
    canvas.lay(canvas.ellipse(x, y + ry + 0.25 * r, 0.6 * r, 0.4 * r, 2) * 0.95, skin * 0.8)
    for ear in (-1, 1):
        canvas.lay(canvas.ellipse(x + ear * 1.0 * r, y + 0.08 * r, 0.15 * r, 0.27 * r), skin * 0.82)
    face = canvas.ellipse(x, y, r, ry, 1.5, random.uniform(2.0, 2.5))
    pores = 1 + 0.02 * smooth_noise(random, len(picture), 128)[..., None]
    flesh = skin * pores * (0.45 + 0.55 * _shade(canvas, x, y, r, ry, sun)[..., None])
    canvas.lay(face, np.asarray(np.clip(flesh, 0, 1), np.float32))
    for cheek in (-1, 1):
        blush = canvas.ellipse(x + cheek * 0.5 * r, y + 0.38 * r, 0.32 * r, 0.26 * r, 0.3 * r)
        canvas.lay(
            blush * 0.25 * face, np.clip(skin * np.array([1.05, 0.72, 0.68], np.float32), 0, 1)
        )
    dark = np.asarray(np.minimum(hair, skin * 0.5), np.float32)
    if random.random() < 0.25:  # beard
        beard = face * canvas.ellipse(x, y + 0.95 * ry, 0.95 * r, 0.62 * ry, 8)
        canvas.lay(beard * random.uniform(0.4, 0.95), hair_picture)
    _eyes(canvas, x, y - 0.05 * r, r, random, dark)
    nose = canvas.ellipse(x - 0.06 * sun * r, y + 0.26 * r, 0.13 * r, 0.30 * r, 0.12 * r)
    canvas.lay(nose * 0.30, np.clip(skin * 1.12, 0, 1))
    canvas.lay(canvas.ellipse(x, y + 0.47 * r, 0.17 * r, 0.05 * r, 0.05 * r) * 0.55, skin * 0.55)
    _mouth(canvas, x, y + 0.78 * r, r, random, skin)
    if style > 0:
        lowest = y + (0.1 if style == 1 else 0.9) * r
        _fringe(canvas, x, y, r, ry, random, lowest, hair_picture)
    if style == 4:
        canvas.lay(canvas.ellipse(x, y - 1.15 * ry, 0.5 * r, 0.42 * r, 2), hair_picture)
    _accessories(canvas, x, y, r, ry, random)
    _hands(canvas, x, y, r, skin, random)
    return np.asarray(np.clip(canvas.picture, 0, 1), np.float32)
