"""The settings as pydantic models: every key with its meaning, unit and bounds.

`[look]` is live, every other section concerns the part of the service that it names.
"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sdcam import paths

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Fit(str, Enum):
    """How a picture of one shape fills an output of another."""

    CROP = "crop"  # fill the output, cut what hangs over
    PAD = "pad"  # show all of it, black bars beside it
    BLUR = "blur"  # show all of it over a blurred, enlarged copy of itself


class Look(Section):
    """What the picture looks like. Every key takes effect while running."""

    prompt: str = Field(
        "oil",
        title="Prompt",
        description="What the model paints: free text, or the name of a style in [styles].",
        max_length=1000,
    )
    strength: Share = Field(
        0.5, title="Strength", description="0 keeps the camera, 1 lets the model go."
    )
    feedback: float = Field(
        0.1,
        ge=0.0,
        le=0.95,
        title="Latent feedback",
        description="Share of the previous frame's latent: steadier, and slower to follow.",
    )
    smoothing: float = Field(
        0.4,
        ge=0.0,
        le=0.95,
        title="Smoothing",
        description="Exponential smoothing of styled frames: the share of what was shown before.",
    )
    blend: Share = Field(
        0.0,
        title="Blend",
        description="Share of the raw camera in the picture. Above 0, others see the camera.",
    )
    transition_seconds: float = Field(
        0.7,
        ge=0.0,
        le=60.0,
        title="Transition",
        description="Seconds that one prompt takes to melt into the next.",
    )
    seed: int = Field(
        42, ge=0, le=2**32 - 1, title="Seed", description="Chooses the fixed noise of the model."
    )
    steps: int = Field(
        1,
        ge=1,
        le=4,
        title="Steps",
        description="Denoising steps a frame. One-step models want 1.",
    )
    similarity: Share = Field(
        0.0,
        title="Similarity filter",
        description=(
            "Skips the model, at random and the more often the less the picture changes, "
            "once frames are alike to this degree (0.98 is a good start). 0 turns it off."
        ),
    )


class Camera(Section):
    """The physical camera. A change reopens the camera."""

    device: str = Field(
        "auto",
        title="Camera",
        description='Name of the camera, its number in `sdcam cameras`, or "auto".',
        min_length=1,
    )
    width: int = Field(1280, ge=64, le=3840, title="Width", description="Pixels asked for.")
    height: int = Field(720, ge=64, le=2160, title="Height", description="Pixels asked for.")
    fps: float = Field(
        30.0, ge=1.0, le=120.0, title="Frame rate", description="Frames a second asked for."
    )


class Model(Section):
    """What paints. A change restarts the model process."""

    name: str = Field(
        "auto",
        title="Model",
        description='A model of `sdcam models`, a diffusers folder, or "auto".',
        min_length=1,
    )
    engine: str = Field(
        "auto",
        title="Engine",
        description='What runs the networks: "auto", "openvino", "torch", "torch:cuda", ...',
        min_length=1,
    )
    render_size: str = Field(
        "auto",
        title="Render size",
        description=(
            "Pixels of the picture that the model paints: a number for a square, WIDTHxHEIGHT "
            '(multiples of 64) for a wide picture that shows the whole camera, or "auto".'
        ),
    )

    @field_validator("render_size", mode="before")
    @classmethod
    def _number_is_a_square(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("render_size")
    @classmethod
    def _multiples_of_64(cls, value: str) -> str:
        if value != "auto":
            parse_render_size(value)
        return value

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) in pixels, None for "auto"."""
        return None if self.render_size == "auto" else parse_render_size(self.render_size)


class Output(Section):
    """The virtual camera."""

    device: str = Field(
        "StreamDiffusion Cam",
        title="Virtual camera",
        description="Name (Linux: also /dev/videoN) of the virtual camera.",
        min_length=1,
    )
    width: int = Field(1280, ge=64, le=3840, multiple_of=2, title="Width", description="Pixels.")
    height: int = Field(720, ge=64, le=2160, multiple_of=2, title="Height", description="Pixels.")
    fps: float = Field(
        30.0, ge=1.0, le=120.0, title="Frame rate", description="Frames a second, steady."
    )
    fit: Fit = Field(
        Fit.CROP,
        title="Fit",
        description='How the painted picture fills the output: "crop", "pad" or "blur".',
    )
    mirror: bool = Field(
        False,
        title="Mirror",
        description="Flips the picture. Apps already mirror the view that you see of yourself.",
    )
    hold_seconds: float = Field(
        2.0,
        ge=0.1,
        le=60.0,
        title="Hold",
        description="Seconds that the last styled frame stays when no new one comes.",
    )


class Service(Section):
    """The background service itself."""

    log_level: str = Field(
        "info",
        pattern="^(debug|info|warning|error)$",
        title="Log level",
        description='"debug", "info", "warning" or "error".',
    )
    socket: str = Field(
        "auto",
        title="Control socket",
        description='Path of the control socket, or "auto".',
        min_length=1,
    )

    @property
    def socket_path(self) -> Path:
        return paths.control_socket(self.socket)


class Settings(Section):
    """All of the configuration, wherever it came from (`sdcam.settings.load`)."""

    look: Look = Field(default_factory=Look, description="Live: takes effect while running.")
    camera: Camera = Field(default_factory=Camera)
    model: Model = Field(default_factory=Model)
    output: Output = Field(default_factory=Output)
    service: Service = Field(default_factory=Service)
    styles: dict[str, str] = Field(
        default_factory=dict, description='The gallery: name = "prompt".'
    )

    def prompt_text(self, prompt: str | None = None) -> str:
        """The text behind a prompt: a style's own text, or the prompt as it stands."""
        prompt = self.look.prompt if prompt is None else prompt
        wanted = _style_key(prompt)
        for name, text in self.styles.items():
            if _style_key(name) == wanted:
                return text
        return prompt


def parse_render_size(text: str) -> tuple[int, int]:
    """(width, height) of "512" or "768x448"; ValueError says what would be right."""
    match = re.fullmatch(r"(\d{2,4})(?:x(\d{2,4}))?", text.strip().lower())
    if match is None:
        raise ValueError(f'"{text}" is not "auto" nor a size such as 512 or 768x448')
    width = int(match[1])
    height = int(match[2] or match[1])
    for pixels in (width, height):
        if pixels % 64 or not 64 <= pixels <= 1024:
            raise ValueError(f"{pixels} is not a multiple of 64 between 64 and 1024")
    return width, height


def _style_key(name: str) -> str:
    """Styles are found whatever their case, and whether "-", "_" or a blank joins their words."""
    return re.sub(r"[\s_-]+", " ", name.strip().lower())
