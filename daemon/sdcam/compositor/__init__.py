"""From the styled picture to the frame that a sink takes, and the cards shown in its place."""

from sdcam.compositor.cards import Card, Tone, draw_card
from sdcam.compositor.compositor import Compositor

__all__ = ["Card", "Compositor", "Tone", "draw_card"]
