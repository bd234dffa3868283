"""Which size a model paints when its user names none."""

from __future__ import annotations

from sdcam.models.folder import ModelFolder
from sdcam.models.registry import EMBEDDED

# The embedded model paints any size. A wide picture shows the whole of a wide camera, where a
# square costs as much and shows a bit more than half of it.
_WIDE = (640, 384)
_SQUARE = (512, 512)  # what the big models were trained on
LARGEST_AUTO_SIZE = _SQUARE  # in pixels of area


def auto_size(model: ModelFolder) -> tuple[int, int]:
    """(width, height) in pixels."""
    return _WIDE if model.name == EMBEDDED else _SQUARE
