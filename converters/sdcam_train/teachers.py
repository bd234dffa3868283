"""Ten painters: classical non-photorealistic rendering that the student learns to imitate.

Each takes a float32 RGB picture (H, W, 3) in [0, 1] and returns one of the same shape; values may
leave [0, 1], `paint` clips. All are local and deterministic; lengths are pixels of a 512-pixel
frame. Textures (hatching, dots, dabs) repeat with the latent cell of 8 pixels, because a
convolutional student knows no other phase.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .filters import (
    Picture,
    blur,
    colour,
    contrast,
    edge_strength,
    features,
    gradient_map,
    guided_base,
    ink,
    kuwahara,
    luminance,
    orientation,
    posterize,
    relief,
    saturate,
    smear,
    step,
    stripes,
)


def _key_lines(picture: Picture, width: float) -> Picture:
    """Ink (H, W, 1) around forms, and around the clearest details such as eyes; fur stays clean."""
    forms = ink(luminance(kuwahara(picture, 4)), width, 0.010, 0.034)
    details = ink(luminance(picture), 1.3, 0.018, 0.045)
    return np.asarray(np.maximum(forms, 0.85 * details)[..., None], np.float32)


def pencil(picture: Picture) -> Picture:
    """Graphite on white paper: dodged contours, two directions of hatching in the shadows."""
    light = luminance(picture)
    dodge = np.clip(light / np.maximum(blur(light, 7.0), 0.04), 0, 1) ** 2.2
    lines = 1 - 0.75 * ink(light, 1.1, 0.006, 0.04)
    tone = blur(light, 1.5)
    first = step(stripes(light.shape, 1, 1), 0.1, 0.18) * step(-tone, -0.50, 0.06)
    second = step(stripes(light.shape, 1, -1), 0.1, 0.18) * step(-tone, -0.27, 0.05)
    shade = 1 - 0.30 * first - 0.34 * second - 0.16 * step(-tone, -0.2, 0.08)
    graphite = np.clip(dodge * lines * shade, 0, 1)
    paper, lead = colour((0.98, 0.97, 0.94)), colour((0.13, 0.13, 0.15))
    return np.asarray(lead + (paper - lead) * graphite[..., None], np.float32)


def oil(picture: Picture) -> Picture:
    """Old-master oil: thick strokes along the forms, warm varnish, umber shadows, impasto light."""
    flat = kuwahara(picture, 4)
    strokes = smear(flat, *orientation(luminance(picture), 3.0), length=5.0)
    strokes = kuwahara(strokes, 4) + 0.8 * features(picture)
    light = luminance(strokes)
    glaze = gradient_map(
        light,
        [
            (0.0, (0.07, 0.03, 0.02)),
            (0.25, (0.30, 0.14, 0.06)),
            (0.55, (0.72, 0.47, 0.20)),
            (0.8, (0.96, 0.80, 0.48)),
            (1.0, (1.0, 0.95, 0.76)),
        ],
    )
    rich = contrast(saturate(strokes, 1.6), 1.25, 0.48) * colour((1.06, 0.92, 0.66))
    bristles = relief(light, 0.9) * 2.2
    return np.asarray(0.5 * rich + 0.5 * glaze - bristles[..., None], np.float32)


def watercolor(picture: Picture) -> Picture:
    """Transparent washes on white paper: pale, wet in wet, pigment pooled at the edges."""
    wash = 0.6 * kuwahara(picture, 8) + 0.4 * kuwahara(picture, 4)
    wash = saturate(np.clip(wash + 0.7 * features(picture), 0, 1) ** 0.62, 1.5)
    pooled = step(edge_strength(luminance(wash), 1.2), 0.05, 0.012)
    pigment = 1 - np.clip(wash, 0, 1)
    granulation = 1 + 0.06 * stripes(pooled.shape, 1, 0) * stripes(pooled.shape, 0, 1)
    density = pigment * (0.68 + 0.75 * pooled[..., None]) * granulation[..., None]
    return np.asarray(colour((1.0, 0.985, 0.95)) - density, np.float32)


def cyberpunk(picture: Picture) -> Picture:
    """Night with neon: violet shadows, cyan light, contours glowing magenta and cyan."""
    light = luminance(picture)
    paint = kuwahara(picture, 4)
    tone = gradient_map(
        luminance(paint),
        [
            (0.0, (0.02, 0.01, 0.09)),
            (0.35, (0.22, 0.03, 0.36)),
            (0.65, (0.42, 0.12, 0.62)),
            (1.0, (0.30, 0.68, 0.86)),
        ],
    )
    base = 0.8 * tone + 0.2 * 0.6 * np.clip(saturate(paint, 2.0), 0, 1)
    edge = np.clip(edge_strength(light, 1.3) * 8, 0, 1)
    glow = blur(edge, 5.0)
    warmth = step(blur(picture[..., 0] - picture[..., 2], 3.0), 0.04, 0.05)[..., None]
    neon = warmth * colour((1.0, 0.12, 0.72)) + (1 - warmth) * colour((0.05, 0.92, 1.0))
    return np.asarray(base + neon * (0.8 * edge + 0.75 * glow)[..., None], np.float32)


def anime(picture: Picture) -> Picture:
    """Cel animation: two or three flat tones, lilac shadows, bright clean colours, thin lines."""
    cel = kuwahara(kuwahara(picture, 6), 4)
    light = luminance(cel)
    tones = posterize(light, 3, 14.0)
    lifted = 0.34 + 0.66 * tones
    hue = cel / (light + 0.06)[..., None]
    flat = saturate(np.clip(hue * lifted[..., None], 0, 1.3), 1.55)
    shadow = (1 - step(light, 0.36, 0.03))[..., None]
    flat = flat * (1 - shadow * (1 - colour((0.80, 0.74, 1.10)))) + 0.03 * colour((0.2, 0.6, 1.0))
    line = _key_lines(picture, 1.5)
    return np.asarray(flat * (1 - line) + line * colour((0.20, 0.12, 0.24)), np.float32)


def hdr(picture: Picture) -> Picture:
    """Tone-mapped photograph: open shadows, strong local contrast, teal against orange."""
    light = luminance(picture)
    base = guided_base(light, 14, 0.02)
    fine = blur(light, 0.8)
    detail = np.tanh((fine - base) * 2.6) * 0.55 + (fine - blur(light, 3.0)) * 1.3
    mapped = np.clip(0.44 + 0.55 * (base - 0.5) + detail, 0.02, 1.1)
    lit = picture * ((mapped + 0.03) / (light + 0.06))[..., None]
    lit = contrast(saturate(np.clip(lit, 0, 1.2), 1.45), 1.15, 0.45)
    tint = step(mapped, 0.5, 0.12)[..., None]
    grade = tint * colour((0.10, 0.03, -0.09)) + (1 - tint) * colour((-0.09, 0.02, 0.07))
    return np.asarray(lit + grade, np.float32)


def impressionist(picture: Picture) -> Picture:
    """Broken colour in short dabs along the forms: high key, violet shadows, sunny light."""
    cos2, sin2 = orientation(luminance(picture), 4.0)
    paint = saturate(smear(kuwahara(picture, 4), cos2, sin2, length=5.0), 1.7)
    paint = paint + 0.8 * features(picture)
    light = luminance(paint)[..., None]
    key = 0.24 + 0.78 * np.clip(paint, 0, 1)
    key = key + (1 - light) * colour((-0.01, -0.04, 0.16)) + light * colour((0.06, 0.03, -0.10))
    shape = light.shape[:2]
    level, upright = stripes(shape, 0, 1), stripes(shape, 1, 0)
    rising, falling = stripes(shape, 1, 1), stripes(shape, 1, -1)
    # Stripes follow the edge: cos2 = 1 is a level stroke, sin2 = 1 one that falls to the right.
    dabs = (
        np.maximum(cos2, 0) * level
        + np.maximum(-cos2, 0) * upright
        + np.maximum(sin2, 0) * falling
        + np.maximum(-sin2, 0) * rising
    )
    calm = np.clip(1 - np.hypot(cos2, sin2), 0, 1)
    dabs = (dabs + calm * 0.5 * rising)[..., None]
    return np.asarray(key + dabs * colour((0.075, 0.05, -0.02)), np.float32)


def dark_fantasy(picture: Picture) -> Picture:
    """Chiaroscuro: crushed cold shadows, drained colour, ember light that blooms."""
    paint = kuwahara(picture, 4)
    light = luminance(paint)
    drama = step(light, 0.43, 0.10)
    tone = gradient_map(
        np.clip(0.55 * drama + 0.45 * light**1.6, 0, 1),
        [
            (0.0, (0.01, 0.02, 0.03)),
            (0.25, (0.05, 0.14, 0.18)),
            (0.5, (0.36, 0.25, 0.17)),
            (0.85, (0.93, 0.62, 0.30)),
            (1.0, (1.0, 0.90, 0.62)),
        ],
    )
    body = 0.72 * tone + 0.28 * saturate(paint, 0.6) * (0.4 + 0.6 * light[..., None])
    grain = blur(luminance(picture), 0.8) - blur(luminance(picture), 3.0)
    bloom = blur(np.clip(luminance(tone) - 0.55, 0, 1), 6.0)[..., None] * colour((0.5, 0.3, 0.1))
    return np.asarray(body + 0.7 * grain[..., None] + bloom, np.float32)


def ukiyo_e(picture: Picture) -> Picture:
    """Woodblock print: five flat inks from Prussian blue to paper, bold key lines."""
    flat = kuwahara(kuwahara(picture, 8), 4)
    tone = posterize(luminance(flat), 4, 16.0)
    inks = gradient_map(
        tone,
        [
            (0.0, (0.10, 0.15, 0.29)),
            (0.25, (0.19, 0.36, 0.50)),
            (0.5, (0.60, 0.60, 0.50)),
            (0.75, (0.90, 0.79, 0.58)),
            (1.0, (0.97, 0.93, 0.80)),
        ],
    )
    warmth = step(blur(picture[..., 0] - picture[..., 2], 2.5), 0.22, 0.035)[..., None]
    red = gradient_map(
        tone,
        [
            (0.0, (0.22, 0.10, 0.14)),
            (0.5, (0.74, 0.32, 0.20)),
            (0.75, (0.94, 0.66, 0.46)),
            (1.0, (0.98, 0.88, 0.72)),
        ],
    )
    print_ = inks * (1 - 0.75 * warmth) + red * 0.75 * warmth
    line = _key_lines(picture, 1.8)
    return np.asarray(print_ * (1 - line) + line * colour((0.07, 0.07, 0.12)), np.float32)


def pop_art(picture: Picture) -> Picture:
    """Comic print: few pure inks, halftone dots that grow with the dark, heavy outlines."""
    flat = kuwahara(picture, 6)
    bold = np.clip(contrast(saturate(flat, 2.6), 1.6, 0.44), 0, 1)
    plates = np.stack([posterize(bold[..., channel], 2, 16.0) for channel in range(3)], -1)
    light = luminance(flat)
    screen = 0.5 * (stripes(light.shape, 1, 0) + stripes(light.shape, 0, 1))
    dots = step(np.asarray(screen - 1.5 * light + 0.62, np.float32), 0.0, 0.07) * step(
        -light, -0.74, 0.03
    )
    dots = dots * step(light, 0.12, 0.03)
    plates = plates * (1 - 0.6 * dots[..., None] * (1 - colour((0.55, 0.05, 0.35))))
    plates = 0.04 + plates * colour((1.0, 0.97, 0.90))
    line = _key_lines(picture, 2.0)
    return np.asarray(plates * (1 - line) + line * colour((0.03, 0.02, 0.05)), np.float32)


TEACHERS: dict[str, Callable[[Picture], Picture]] = {
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


def paint(style: str, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The teacher's rendering of an RGB uint8 picture (H, W, 3), same shape and type."""
    painted = TEACHERS[style](np.asarray(picture / np.float32(255), np.float32))
    return np.asarray(np.clip(painted, 0, 1) * 255 + 0.5, np.uint8)
