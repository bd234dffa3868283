"""What the user wants to see."""

from __future__ import annotations

from dataclasses import dataclass

from sdcam.errors import UsageError


@dataclass(frozen=True)
class Look:
    """The look, resolved: the prompt is text, never the name of a style."""

    prompt: str
    strength: float = 0.5
    feedback: float = 0.1
    smoothing: float = 0.4
    transition_seconds: float = 0.7
    seed: int = 42
    steps: int = 1
    similarity: float = 0.0


def unknown_prompt(model: str, prompt: str) -> UsageError:
    """A prompt without a word that the model knows leaves the camera's picture as it is."""
    return UsageError(
        f'The model {model} knows no word of "{prompt}": the picture would be your camera\'s own.',
        "Name one of its styles, such as oil or anime; `look.blend` = 1 shows the camera.",
    )
