"""Words of light and palette: colour transforms that combine with every style.

A transform is applied to what the style's painter made. It maps each pixel's colour alone, so it
works on any crop, and on float32 RGB (..., 3) in [0, 1]; values may leave that range.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .filters import Colour, Picture, colour, contrast, gradient_map, luminance, mix, saturate, step


def _tones(picture: Picture, dark: Colour, middle: Colour, bright: Colour, share: float) -> Picture:
    """Mixes in a colour scale that follows the luma."""
    light = np.clip(luminance(picture), 0, 1)
    scale = gradient_map(light, [(0.0, dark), (0.5, middle), (1.0, bright)])
    return mix(picture, scale, np.full_like(light, share))


def _greenness(picture: Picture) -> Picture:
    """How much green exceeds the other two, 0 to 1, (..., 1)."""
    excess = picture[..., 1] - np.maximum(picture[..., 0], picture[..., 2])
    return step(np.asarray(excess, np.float32), 0.03, 0.02)[..., None]


def autumn(picture: Picture) -> Picture:
    """Russet and ochre; greens turn to rust."""
    rusty = mix(picture, picture[..., (1, 0, 2)] * colour((1.15, 0.9, 0.6)), _greenness(picture))
    warm = saturate(rusty, 1.15) * colour((1.10, 0.86, 0.58))
    return _tones(warm, (0.16, 0.05, 0.02), (0.72, 0.38, 0.13), (1.0, 0.86, 0.58), 0.40)


def winter(picture: Picture) -> Picture:
    """Snow light: pale, cold, little colour."""
    pale = 0.18 + 0.84 * saturate(picture, 0.42)
    return _tones(pale, (0.20, 0.28, 0.40), (0.62, 0.72, 0.84), (0.97, 0.99, 1.0), 0.40)


def spring(picture: Picture) -> Picture:
    """Fresh: bright, light green with a touch of blossom."""
    fresh = 0.08 + 0.95 * saturate(picture, 1.2)
    fresh = fresh * colour((0.90, 1.08, 0.82))
    return _tones(fresh, (0.10, 0.24, 0.10), (0.60, 0.82, 0.42), (1.0, 0.97, 0.93), 0.28)


def night(picture: Picture) -> Picture:
    """Moonlight: dark and blue."""
    dark = np.clip(saturate(picture, 0.6), 0, 1) ** 1.35 * colour((0.34, 0.45, 0.72))
    return _tones(dark, (0.01, 0.02, 0.07), (0.16, 0.25, 0.46), (0.60, 0.72, 0.95), 0.30)


def golden_hour(picture: Picture) -> Picture:
    """Low sun: golden light, amber shadows."""
    gold = contrast(picture, 1.06, 0.45) * colour((1.16, 0.95, 0.62))
    return _tones(gold, (0.20, 0.10, 0.06), (0.86, 0.60, 0.24), (1.0, 0.93, 0.66), 0.30)


def sunset(picture: Picture) -> Picture:
    """Afterglow: violet shadows, pink and orange light."""
    glow = saturate(picture, 1.1) * colour((1.08, 0.80, 0.86))
    return _tones(glow, (0.16, 0.05, 0.26), (0.80, 0.32, 0.42), (1.0, 0.76, 0.56), 0.48)


def candlelight(picture: Picture) -> Picture:
    """A small warm flame in the dark."""
    low = np.clip(saturate(picture, 0.9), 0, 1) ** 1.5 * colour((1.0, 0.62, 0.30))
    return _tones(low, (0.02, 0.01, 0.005), (0.42, 0.18, 0.05), (1.0, 0.76, 0.40), 0.35)


def fog(picture: Picture) -> Picture:
    """Mist: everything grey and near to white, without darks."""
    return np.asarray(0.46 + 0.44 * saturate(picture, 0.45) * colour((0.97, 1.0, 1.02)), np.float32)


def storm(picture: Picture) -> Picture:
    """Before the rain: heavy slate and petrol light."""
    heavy = contrast(saturate(picture, 0.45), 1.25, 0.55) * 0.66
    return _tones(heavy, (0.03, 0.05, 0.06), (0.26, 0.35, 0.37), (0.72, 0.80, 0.78), 0.45)


def underwater(picture: Picture) -> Picture:
    """Under water: turquoise light, red is lost."""
    sunk = picture * colour((0.38, 0.92, 0.96))
    return _tones(sunk, (0.0, 0.10, 0.20), (0.05, 0.55, 0.62), (0.62, 0.98, 0.92), 0.45)


def neon(picture: Picture) -> Picture:
    """Lit by neon tubes: magenta light, cyan and blue shadows."""
    lit = contrast(saturate(picture, 1.5), 1.15, 0.45)
    return _tones(lit, (0.02, 0.06, 0.28), (0.62, 0.06, 0.72), (0.62, 1.0, 1.0), 0.55)


def sepia(picture: Picture) -> Picture:
    """An old brown photograph."""
    return _tones(picture, (0.10, 0.06, 0.03), (0.55, 0.43, 0.30), (0.98, 0.92, 0.78), 0.96)


def monochrome(picture: Picture) -> Picture:
    """Black and white."""
    return np.asarray(np.repeat(contrast(luminance(picture)[..., None], 1.12), 3, -1), np.float32)


def pastel(picture: Picture) -> Picture:
    """Soft: light, powdery colours, no darks."""
    soft = 0.36 + 0.62 * np.clip(saturate(picture, 1.05), 0, 1)
    return np.asarray(soft * colour((1.03, 0.99, 1.02)), np.float32)


def vivid(picture: Picture) -> Picture:
    """Loud: pure colours, strong contrast."""
    return contrast(saturate(picture, 2.3), 1.28, 0.46)


def vintage(picture: Picture) -> Picture:
    """A faded colour print: lifted brownish blacks, yellowed whites, green in between."""
    faded = 0.15 + 0.72 * saturate(picture, 0.7) * colour((1.03, 1.0, 0.80))
    return _tones(faded, (0.22, 0.16, 0.16), (0.52, 0.54, 0.40), (0.95, 0.88, 0.68), 0.30)


LIGHTS: dict[str, Callable[[Picture], Picture]] = {
    "autumn": autumn,
    "winter": winter,
    "spring": spring,
    "night": night,
    "golden hour": golden_hour,
    "sunset": sunset,
    "candlelight": candlelight,
    "fog": fog,
    "storm": storm,
    "underwater": underwater,
    "neon": neon,
    "sepia": sepia,
    "monochrome": monochrome,
    "pastel": pastel,
    "vivid": vivid,
    "vintage": vintage,
}
