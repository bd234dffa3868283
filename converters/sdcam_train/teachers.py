"""Ten painters: classical non-photorealistic rendering that the student learns to imitate.

Each takes a `Subject` (picture and grain) and returns a picture (H, W, 3); values may leave [0, 1],
`paint` clips. All are local and deterministic. Whatever is random in them (brush marks, hatching,
pigment) comes from the grain, which the student sees as well.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .filters import (
    Flow,
    Picture,
    Plane,
    blur,
    colour,
    contrast,
    displace,
    edge_strength,
    gradient_map,
    guided_base,
    luminance,
    mix,
    posterize,
    ramp,
    relief,
    saturate,
    step,
    waves,
    wide_blur,
)
from .subject import Subject, smeared_spread, unit


def oil(subject: Subject) -> Picture:
    """Old-master oil: impasto strokes along the forms, warm varnish, umber shadows."""
    calm = (1 - 0.8 * subject.detail)[..., None]
    paint = mix(subject.picture, subject.brush.smear(subject.paint, 6), 0.12 + 0.88 * calm)
    marks, bristles = subject.strokes(0, 16, 1.2), subject.strokes(2, 10, 0.5)
    light = luminance(paint)
    # A loaded brush leaves thicker paint in the light, and its colour varies from touch to touch.
    touch = np.tanh(1.3 * marks)[..., None]
    tinted = paint * (1 + calm * (0.10 * touch + 0.04 * bristles[..., None]))
    tinted = tinted + calm * bristles[..., None] * colour((0.018, 0.0, -0.022))
    rich = contrast(saturate(tinted, 1.2), 1.15, 0.45)
    height = (0.6 * touch[..., 0] + 0.4 * bristles) * (0.5 + 0.5 * light)
    rich = rich + (0.22 * np.clip(relief(height), -0.5, 0.6))[..., None] * calm
    glaze = gradient_map(
        np.clip(light, 0, 1),
        [
            (0.0, (0.06, 0.03, 0.02)),
            (0.3, (0.36, 0.19, 0.09)),
            (0.6, (0.78, 0.55, 0.30)),
            (1.0, (1.0, 0.96, 0.82)),
        ],
    )
    varnished = 0.70 * rich + 0.30 * (glaze + luminance(rich - paint)[..., None])
    return np.asarray(varnished * colour((1.03, 0.98, 0.90)), np.float32)


def impressionist(subject: Subject) -> Picture:
    """Broken colour in short touches along the forms: high key, violet shadows, sunny light."""
    first, second = subject.strokes(0, 8, 1.1), subject.strokes(3, 8, 1.1)
    calm = 1 - 0.75 * subject.detail
    # A touch takes its colour from beside its place, so that borders break up into touches.
    moved = displace(subject.paint, 2.2 * first * calm, 2.2 * second * calm)
    paint = mix(subject.brush.smear(moved, 5), subject.picture, 0.8 * subject.detail)
    key = 0.15 + 0.86 * np.clip(saturate(paint, 1.6), 0, 1)
    light = luminance(key)[..., None]
    key = key + (1 - light) * colour((0.02, -0.03, 0.13)) + light * colour((0.05, 0.03, -0.06))
    warm, cool = np.tanh(1.6 * first) * calm, np.tanh(1.6 * second) * calm
    key = key + warm[..., None] * colour((0.085, 0.055, -0.045))
    key = key + cool[..., None] * colour((-0.06, 0.012, 0.085))
    touch = relief(warm + 0.7 * cool)
    return np.asarray(key + (0.22 * touch)[..., None], np.float32)


def watercolor(subject: Subject) -> Picture:
    """Washes on white paper: pale, edges where pigment pools, granulation, drawn features."""
    wobble = 1 - 0.8 * subject.detail
    bent = displace(
        subject.picture, 1.8 * wobble * subject.noise(1, 4), 1.8 * wobble * subject.noise(2, 4)
    )
    wash = subject.line_flow.kuwahara(subject.line_flow.kuwahara(bent, 8), 6)
    wash = mix(wash, subject.picture, 0.40 * subject.detail)
    wash = saturate(np.clip(wash, 0, 1) ** 0.66, 1.5)
    light = luminance(wash)
    pooled = ramp(edge_strength(light, 1.0), 0.012, 0.055)
    # Wet paint dries with a dark rim on its own side of the border.
    rim = np.clip(blur(light, 3.5) - light, 0, 0.2) * 4 * pooled + 0.25 * pooled
    density = 0.96 + 0.11 * subject.noise(3, 10) + rim
    density = density * (0.92 + 0.055 * subject.noise(0, 0.6))
    dry = 1 - 0.55 * step(light, 0.86, 0.035)  # the paper is left white in the light
    pigment = (1 - np.clip(wash, 0, 1)) * (density * dry)[..., None]
    drawn = subject.ink(1.0, 0.014, 0.055, 4) * (0.22 + 0.38 * subject.detail)
    painted = colour((0.995, 0.985, 0.955)) - 0.92 * pigment
    painted = painted * (1 - drawn[..., None] * colour((0.62, 0.68, 0.60)))
    tooth = relief(subject.noise(2, 0.5))
    return np.asarray(painted + 0.012 * tooth[..., None], np.float32)


def pencil(subject: Subject) -> Picture:
    """Graphite on toothed paper: contours, and hatching in three directions builds the tone."""
    light = luminance(subject.picture)
    tone = blur(light, 1.2)
    around = wide_blur(light, 12.0)
    local = np.clip(light / np.maximum(around, 0.08), 0, 1.05)

    def hatch(degrees: float, field: int, length: float, dark: Plane) -> Plane:
        """Thin strokes where the smeared noise is near zero, wider where it is darker."""
        marks = Flow.straight(subject.shape, degrees).smear(subject.noise(field, 0.9), length)
        marks = unit(marks, smeared_spread(length))
        pressed = 1.5 * dark * (0.9 + 0.12 * subject.noise(2, 4))
        return ramp(pressed - np.abs(marks), -0.2, 0.3) * ramp(dark, 0.0, 0.12)

    first = hatch(-52, 0, 18, ramp(tone, 0.70, 0.25))
    second = hatch(34, 1, 16, ramp(tone, 0.46, 0.10))
    third = hatch(-10, 3, 16, ramp(tone, 0.24, 0.0))
    contour = np.maximum(subject.ink(1.1, 0.006, 0.035, 7), 0.9 * subject.ink(0.8, 0.012, 0.05, 3))
    tooth = 0.91 + 0.09 * subject.noise(2, 0.5)
    shade = 0.30 * ramp(tone, 0.72, 0.12)  # graphite rubbed with a finger
    lead = 1 - (1 - shade) * (1 - 0.36 * first) * (1 - 0.42 * second) * (1 - 0.42 * third)
    lead = 1 - (1 - np.clip(lead * tooth, 0, 1)) * (1 - 0.80 * contour)
    lead = lead + 0.50 * (1 - np.minimum(local, 1) ** 1.5) * tooth
    white, graphite = colour((0.975, 0.968, 0.94)), colour((0.15, 0.15, 0.17))
    sheet = white + 0.012 * relief(subject.noise(2, 0.5))[..., None]
    return mix(sheet, np.broadcast_to(graphite, sheet.shape), np.clip(lead, 0, 0.97))


def cyberpunk(subject: Subject) -> Picture:
    """A wet night: violet shadows, lines that glow magenta and cyan, rain in their light."""
    paint = subject.paint
    tone = luminance(paint)
    night = gradient_map(
        np.clip(tone, 0, 1),
        [
            (0.0, (0.02, 0.01, 0.07)),
            (0.35, (0.13, 0.04, 0.27)),
            (0.7, (0.32, 0.14, 0.52)),
            (1.0, (0.50, 0.55, 0.80)),
        ],
    )
    base = 0.72 * night + 0.28 * 0.75 * np.clip(saturate(paint, 1.8), 0, 1)
    wire = np.maximum(subject.ink(1.3, 0.008, 0.03, 8), 0.8 * subject.ink(0.8, 0.015, 0.05, 4))
    near, far = blur(wire, 3.0), wide_blur(wire, 10.0)
    warmth = step(blur(subject.picture[..., 0] - subject.picture[..., 2], 4.0), 0.05, 0.04)
    neon = mix(
        np.broadcast_to(colour((0.06, 0.88, 1.0)), paint.shape),
        np.broadcast_to(colour((1.0, 0.13, 0.70)), paint.shape),
        warmth,
    )
    glow = neon * (0.85 * wire + 0.55 * near + 0.75 * far)[..., None]
    core = (wire**2)[..., None] * 0.30
    rain = Flow.straight(subject.shape, 80).smear(subject.noise(0, 0.5), 18)
    rain = np.clip(unit(rain, smeared_spread(18)) - 0.8, 0, 2) * (1 - 0.8 * subject.detail)
    streaks = rain[..., None] * (0.05 + 0.35 * far)[..., None] * colour((0.75, 0.85, 1.0))
    return np.asarray(base + glow + core + streaks, np.float32)


def anime(subject: Subject) -> Picture:
    """Cel animation: two or three flat tones, lilac shadows, clean bright colours, thin lines."""
    cel = subject.flat
    light = luminance(cel)
    tones = posterize(light, 3, subject.crispness(2.0, 12.0))
    lifted = 0.20 + 0.80 * tones
    hue = cel / (light + 0.05)[..., None]
    flat = saturate(np.clip(hue * lifted[..., None], 0, 1.25), 1.45)
    shadow = 1 - step(light, 0.34, 0.03)
    flat = flat * (1 - shadow[..., None] * (1 - colour((0.84, 0.76, 1.12))))
    flat = 0.03 + flat * colour((1.0, 1.0, 1.03))
    shine = step(light, 0.83, 0.02) * (1 - subject.detail)
    # Backgrounds are gouache: large soft touches, hardly seen.
    wash = subject.strokes(1, 14, 1.6) * (1 - subject.detail) * 0.022
    flat = flat + (0.05 * shine + wash)[..., None]
    line = np.maximum(subject.ink(1.2, 0.010, 0.028, 8), 0.9 * subject.ink(0.8, 0.020, 0.05, 3))
    return mix(flat, np.broadcast_to(colour((0.17, 0.10, 0.20)), flat.shape), line)


def hdr(subject: Subject) -> Picture:
    """Tone-mapped photograph: open shadows, crisp local contrast without halos, rich colour."""
    light = luminance(subject.picture)
    clean = blur(light, 0.7)
    large = guided_base(clean, 15, 0.012)
    middle = guided_base(clean, 4, 0.004)
    mapped = 0.47 + 0.52 * (large - 0.5) + 1.9 * np.tanh(1.4 * (middle - large)) / 1.4
    mapped = mapped + 2.6 * (clean - middle)
    mapped = np.clip(mapped, 0.015, 1.08)
    lit = subject.picture * ((mapped + 0.02) / (light + 0.04))[..., None]
    lit = contrast(saturate(np.clip(lit, 0, 1.25), 1.5), 1.12, 0.45)
    bright = step(mapped, 0.5, 0.10)[..., None]
    grade = bright * colour((0.07, 0.02, -0.07)) + (1 - bright) * colour((-0.06, 0.01, 0.06))
    return np.asarray(lit + grade, np.float32)


def dark_fantasy(subject: Subject) -> Picture:
    """Chiaroscuro: cold dry-brushed darkness, light of embers, sparks."""
    paint = subject.brush.smear(subject.paint, 5)
    light = luminance(paint)
    calm = 1 - 0.75 * subject.detail
    marks, scratch = subject.strokes(2, 14), subject.strokes(0, 12, 0.5)
    drama = step(light, 0.45, 0.085)
    level = np.clip(0.6 * drama + 0.4 * light**1.5 + 0.05 * marks * calm, 0, 1)
    tone = gradient_map(
        level,
        [
            (0.0, (0.012, 0.016, 0.026)),
            (0.22, (0.055, 0.11, 0.14)),
            (0.5, (0.34, 0.25, 0.18)),
            (0.85, (0.90, 0.62, 0.33)),
            (1.0, (1.0, 0.90, 0.66)),
        ],
    )
    body = 0.74 * tone + 0.26 * saturate(paint, 0.6) * (0.35 + 0.65 * light[..., None])
    # Dry brush over the dark: the bristles catch some light.
    dry = np.clip(scratch - 0.5, 0, 2) * (1 - drama) * calm
    body = body + dry[..., None] * colour((0.055, 0.060, 0.062))
    clean = subject.light
    body = body + (1.5 * (clean - blur(clean, 3.0)))[..., None] * colour((1.0, 0.92, 0.82))
    bloom = blur(np.clip(luminance(tone) - 0.55, 0, 1), 6.0)[..., None] * colour((0.5, 0.3, 0.1))
    spark = ramp(subject.noise(3, 1.0), 1.6, 1.9) * (1 - drama)
    glow = (spark + 1.6 * blur(spark, 2.5))[..., None] * colour((0.95, 0.42, 0.10))
    return np.asarray(body + bloom + 0.8 * glow, np.float32)


def ukiyo_e(subject: Subject) -> Picture:
    """Woodblock print: five flat inks from Prussian blue to paper, key lines, the block's grain."""
    tone = posterize(luminance(subject.flat), 4, subject.crispness(2.5, 14.0))
    inks = gradient_map(
        tone,
        [
            (0.0, (0.09, 0.14, 0.28)),
            (0.25, (0.17, 0.34, 0.49)),
            (0.5, (0.52, 0.60, 0.54)),
            (0.75, (0.88, 0.79, 0.60)),
            (1.0, (0.97, 0.93, 0.81)),
        ],
    )
    red = gradient_map(
        tone,
        [
            (0.0, (0.22, 0.09, 0.13)),
            (0.25, (0.52, 0.17, 0.15)),
            (0.5, (0.78, 0.36, 0.24)),
            (0.75, (0.95, 0.70, 0.50)),
            (1.0, (0.98, 0.88, 0.74)),
        ],
    )
    warmth = step(blur(subject.picture[..., 0] - subject.picture[..., 2], 3.0), 0.19, 0.03)
    print_ = mix(inks, red, 0.85 * warmth)
    wood = Flow.straight(subject.shape, 0).smear(subject.noise(0, 0.6), 26)
    wood = unit(wood, smeared_spread(26)) * (1 - 0.7 * subject.detail)
    print_ = print_ * (1 + 0.06 * wood + 0.018 * subject.noise(2, 0.5))[..., None]
    line = np.maximum(subject.ink(1.6, 0.010, 0.024, 10), 0.9 * subject.ink(0.9, 0.02, 0.05, 3))
    return mix(print_, np.broadcast_to(colour((0.06, 0.07, 0.13)), print_.shape), 0.96 * line)


def pop_art(subject: Subject) -> Picture:
    """Comic print: few pure inks, halftone dots that grow with the dark, heavy outlines."""
    flat = subject.flat
    light = luminance(flat)
    hue = flat - light[..., None]
    strength = np.sqrt((hue * hue).sum(-1))
    pure = hue / (strength + 0.02)[..., None] * (0.62 * ramp(strength, 0.04, 0.16))[..., None]
    tone = posterize(contrast(light, 1.25, 0.45), 3, subject.crispness(4.0, 14.0))
    plates = np.clip(0.06 + 0.94 * tone[..., None] + pure, 0, 1) * colour((1.0, 0.97, 0.88))
    screen = 0.5 * (waves(light.shape, 1, 1) + waves(light.shape, 1, -1))
    dots = step(np.asarray(screen - 2.4 * (light - 0.50), np.float32), 0.0, 0.08)
    dots = dots * step(light, 0.18, 0.03) * step(-light, -0.80, 0.03)
    warm = step(blur(flat[..., 0] - flat[..., 2], 2.0), 0.06, 0.04)
    ink = mix(
        np.broadcast_to(colour((0.10, 0.38, 0.80)), flat.shape),
        np.broadcast_to(colour((0.90, 0.13, 0.20)), flat.shape),
        warm,
    )
    plates = mix(plates, ink, 0.72 * dots)
    line = np.maximum(subject.ink(1.9, 0.008, 0.022, 9), 0.9 * subject.ink(1.0, 0.02, 0.05, 3))
    return mix(plates, np.broadcast_to(colour((0.03, 0.02, 0.05)), plates.shape), line)


Painter = Callable[[Subject], Picture]
TEACHERS: dict[str, Painter] = {
    "oil": oil,
    "watercolor": watercolor,
    "pencil": pencil,
    "cyberpunk": cyberpunk,
    "anime": anime,
    "hdr": hdr,
    "impressionist": impressionist,
    "dark fantasy": dark_fantasy,
    "ukiyo-e": ukiyo_e,
    "pop art": pop_art,
}

Pixels = npt.NDArray[np.uint8]


def to_pixels(picture: Picture) -> Pixels:
    """A picture in [0, 1], clipped and rounded to uint8."""
    return np.asarray(np.clip(picture, 0, 1) * 255 + 0.5, np.uint8)


def paint(style: str, picture: Pixels, grain: Picture) -> Pixels:
    """A teacher's rendering of an RGB uint8 picture (H, W, 3), H and W multiples of 8.

    `grain`, float32 (H / 8, W / 8, 4), is noise of unit variance.
    """
    return to_pixels(TEACHERS[style](Subject(np.asarray(picture / np.float32(255)), grain)))


def paint_all(picture: Pixels, grain: Picture) -> dict[str, Pixels]:
    """All ten renderings; what the painters see in the picture is computed once."""
    subject = Subject(np.asarray(picture / np.float32(255)), grain)
    return {style: to_pixels(teacher(subject)) for style, teacher in TEACHERS.items()}
