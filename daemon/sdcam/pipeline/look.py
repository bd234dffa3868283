"""What the user wants to see."""

from __future__ import annotations

from dataclasses import dataclass

from sdcam.errors import UsageError


@dataclass(frozen=True)
class Look:
    """The settings of a look, resolved: `prompt` is text, never the name of a style."""

    prompt: str
    strength: float = 0.5
    feedback: float = 0.1
    smoothing: float = 0.4
    transition_seconds: float = 0.7
    seed: int = 42
    steps: int = 1
    similarity: float = 0.0


class UnknownPromptError(UsageError):
    """The model has no trained word of a prompt; it would return the camera's own picture."""


def unknown_prompt(model: str, prompt: str) -> UnknownPromptError:
    return UnknownPromptError(
        f'The model {model} has no trained word in "{prompt}": it would show your camera\'s own '
        "picture.",
        "Use one of its styles, such as oil or anime. To show the camera, set look.blend to 1.",
    )
