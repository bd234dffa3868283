"""What the user wants to see."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Conditioning:
    """The look, resolved: the prompt is text, never the name of a style."""

    prompt: str
    strength: float = 0.5
    feedback: float = 0.1
    smoothing: float = 0.4
    transition_seconds: float = 0.7
    seed: int = 42
    steps: int = 1
    similarity: float = 0.0
