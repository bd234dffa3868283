"""The size in which a source gives pictures that come in any size."""

from __future__ import annotations

MOST_WIDTH = 1920
MOST_HEIGHT = 1080


def delivered_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) in pixels: at most 1920x1080 at the same aspect, both even.

    More pixels than that never reach a model, and 4:2:0 formats need even numbers.
    """
    scale = min(1.0, MOST_WIDTH / width, MOST_HEIGHT / height)
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)
