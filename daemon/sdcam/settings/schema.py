"""The settings as pydantic models: every key with its meaning, unit and bounds.

`[look]` is live, every other section concerns the part of the service that it names.
"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from sdcam import paths
from sdcam.platforms.names import CAMERA_NAME
from sdcam.settings import engine_words, styles
from sdcam.settings.key import Effect, key

LIVE, CAMERA, MODEL, OUTPUT, RESTART = Effect

Units = Literal["auto", "all", "cpu-and-gpu", "cpu-and-ne", "cpu-only"]
LogLevel = Literal["debug", "info", "warning", "error"]
_SHARE: dict[str, Any] = {"ge": 0.0, "le": 1.0}


def _with_words(value: str) -> str:
    # A model paints something for no words at all, and that looks like the camera.
    if not value.strip():
        raise ValueError("text is expected; look.blend = 1 shows the camera")
    return value


Prompt = Annotated[str, AfterValidator(_with_words)]
_ANY_WORD = r"\S"  # the same in JSON Schema


class Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        validate_default=True,
        allow_inf_nan=False,
        protected_namespaces=(),
    )

    @field_validator("*")
    @classmethod
    def _no_zero_byte(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:  # no path and no device can hold one
            raise ValueError("text without a zero byte is expected")
        return value


class Fit(str, Enum):
    """How a picture of one shape fills an output of another."""

    CROP = "crop"  # fill the output, cut what hangs over
    PAD = "pad"  # show all of it, black bars beside it
    BLUR = "blur"  # show all of it over a blurred, enlarged copy of itself


class LookSettings(Section):
    """What the picture looks like. Every key takes effect while running."""

    prompt: Prompt = key(
        "oil",
        "Prompt",
        "What the model paints: free text, or the name of a style in [styles].",
        effect=LIVE,
        schema={"pattern": _ANY_WORD},
        max_length=1000,
    )
    strength: float = key(
        0.5, "Strength", "0 keeps the camera, 1 lets the model go.", effect=LIVE, **_SHARE
    )
    feedback: float = key(
        0.1,
        "Latent feedback",
        "Share of the previous frame's latent: steadier, and slower to follow.",
        effect=LIVE,
        ge=0.0,
        le=0.95,
    )
    smoothing: float = key(
        0.4,
        "Smoothing",
        "Exponential smoothing of styled frames: the share of what was shown before.",
        effect=LIVE,
        ge=0.0,
        le=0.95,
    )
    blend: float = key(
        0.0,
        "Blend",
        "Share of the raw camera in the picture. Above 0, others see the camera.",
        effect=LIVE,
        **_SHARE,
    )
    transition_seconds: float = key(
        0.7,
        "Transition",
        "How long one prompt takes to melt into the next.",
        effect=LIVE,
        unit="seconds",
        ge=0.0,
        le=60.0,
    )
    seed: int = key(
        42, "Seed", "Chooses the fixed noise of the model.", effect=LIVE, ge=0, le=2**32 - 1
    )
    steps: int = key(
        1,
        "Steps",
        "Denoising steps of each frame. One-step models want 1.",
        effect=LIVE,
        unit="steps",
        ge=1,
        le=4,
    )
    similarity: float = key(
        0.0,
        "Similarity filter",
        "Skips the model, at random and the more often the less the picture changes, "
        "once frames are alike to this degree (0.98 is a good start). 0 turns it off.",
        effect=LIVE,
        **_SHARE,
    )


class CameraSettings(Section):
    """The physical camera. A change opens it anew; the output goes on."""

    device: str = key(
        "auto",
        "Camera",
        'Name of the camera, its number in `sdcam cameras`, or "auto".',
        effect=CAMERA,
        schema={"type": ["string", "integer"]},
        min_length=1,
    )
    width: int = key(
        1280, "Width", "Width asked for.", effect=CAMERA, unit="pixels", ge=64, le=3840
    )
    height: int = key(
        720, "Height", "Height asked for.", effect=CAMERA, unit="pixels", ge=64, le=2160
    )
    fps: float = key(
        30.0,
        "Frame rate",
        "Frame rate asked for.",
        effect=CAMERA,
        unit="frames a second",
        ge=1.0,
        le=120.0,
    )

    @field_validator("device", mode="before")
    @classmethod
    def _number_is_a_device(cls, value: Any) -> Any:
        return _number_as_text(value)


class ModelSettings(Section):
    """What paints. A change loads the model anew; the output goes on."""

    name: str = key(
        "auto",
        "Model",
        'A model of `sdcam models`, a diffusers folder, or "auto".',
        effect=MODEL,
        min_length=1,
    )
    engine: str = key(
        "auto",
        "Engine",
        'What runs the networks: "auto"; on Apple Silicon "coreml", "coreml:fused" (one program) '
        'or "coreml:staged" (a process for each stage); "openvino", "torch", "torch:cuda"; '
        '"replay:PROFILE" plays published stage times, for benchmarks.',
        effect=MODEL,
        schema={"pattern": engine_words.PATTERN},
    )
    render_size: str = key(
        "auto",
        "Render size",
        "Size of the picture that the model paints: a number for a square, WIDTHxHEIGHT "
        '(multiples of 64) for a wide picture that shows the whole camera, or "auto".',
        effect=MODEL,
        unit="pixels",
        schema={"type": ["string", "integer"]},
    )

    @field_validator("engine")
    @classmethod
    def _engine(cls, value: str) -> str:
        return engine_words.checked(value)

    @field_validator("render_size", mode="before")
    @classmethod
    def _number_is_a_square(cls, value: Any) -> Any:
        return _number_as_text(value)

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


class CoreMLSettings(Section):
    """Compute units of each Core ML program (macOS). A change loads the model anew."""

    fused: Units = key("auto", "Fused", "The whole model as one program.", effect=MODEL)
    encode: Units = key("auto", "Encoder", "Picture to latent.", effect=MODEL)
    unet: Units = key("auto", "UNet", "Denoises the latent; the heavy one.", effect=MODEL)
    decode: Units = key("auto", "Decoder", "Latent to picture.", effect=MODEL)
    text_encoder: Units = key(
        "auto", "Text encoder", "Prompt to embedding; runs when the prompt changes.", effect=MODEL
    )

    @property
    def chosen(self) -> dict[str, str]:
        """Program to compute units, those only that are not "auto"."""
        return {name: units for name, units in self.model_dump().items() if units != "auto"}


class OutputSettings(Section):
    """The virtual camera. A change that is not live opens it anew."""

    device: str = key(
        CAMERA_NAME,
        "Virtual camera",
        'Its name; Linux: also /dev/videoN; macOS has "OBS Virtual Camera" only.',
        effect=OUTPUT,
        min_length=1,
    )
    width: int = key(
        1280, "Width", "Width.", effect=OUTPUT, unit="pixels", ge=64, le=3840, multiple_of=2
    )
    height: int = key(
        720, "Height", "Height.", effect=OUTPUT, unit="pixels", ge=64, le=2160, multiple_of=2
    )
    fps: float = key(
        30.0,
        "Frame rate",
        "Steady, whatever camera and model do.",
        effect=OUTPUT,
        unit="frames a second",
        ge=1.0,
        le=120.0,
    )
    fit: Fit = key(Fit.CROP, "Fit", "How the painted picture fills the output.", effect=LIVE)
    mirror: bool = key(
        False,
        "Mirror",
        "Flips the picture. Apps already mirror the view that you see of yourself.",
        effect=LIVE,
    )
    hold_seconds: float = key(
        2.0,
        "Hold",
        "How long the last styled frame stays when no new one comes; then a card.",
        effect=LIVE,
        unit="seconds",
        ge=0.1,
        le=60.0,
    )
    side_by_side: bool = key(
        False,
        "Side by side",
        "Offers camera and picture side by side to OBS (docs/obs.md). Every program that runs as "
        "you can see the camera then.",
        effect=LIVE,
    )
    on_demand: bool = key(
        False,
        "On demand",
        "Closes the camera and rests the model while no app shows the virtual camera.",
        effect=LIVE,
    )
    unload_after: float = key(
        300.0,
        "Unload after",
        "With on_demand: time without a watcher after which the model's memory is freed. "
        "0 keeps the model loaded.",
        effect=LIVE,
        unit="seconds",
        ge=0.0,
        le=604800.0,
    )


class ServiceSettings(Section):
    """The background service itself. What is not live waits for `sdcam service restart`."""

    log_level: LogLevel = key("info", "Log level", "The least that is logged.", effect=LIVE)
    log_file: str = key(
        "auto",
        "Log file",
        'Path of the log of the background service, or "auto".',
        effect=RESTART,
        min_length=1,
    )
    log_bytes: int = key(
        5_000_000,
        "Log size",
        "Size at which a new log file is begun.",
        effect=RESTART,
        unit="bytes",
        ge=10_000,
        le=1_000_000_000,
    )
    log_count: int = key(
        3,
        "Log files",
        "How many old log files are kept.",
        effect=RESTART,
        unit="files",
        ge=1,
        le=100,
    )
    socket: str = key(
        "auto",
        "Control socket",
        'Path of the control socket, or "auto".',
        effect=RESTART,
        min_length=1,
    )

    @field_validator("socket", "log_file")
    @classmethod
    def _path(cls, value: str) -> str:
        try:
            Path(value).expanduser()
        except RuntimeError:
            raise ValueError("a path is expected; there is no such user's home") from None
        return value

    @property
    def socket_path(self) -> Path:
        return paths.control_socket(self.socket)


class Settings(Section):
    """The configuration of StreamDiffusion Cam."""

    look: LookSettings = Field(default_factory=LookSettings)
    camera: CameraSettings = Field(default_factory=CameraSettings)
    model: ModelSettings = Field(default_factory=ModelSettings)
    coreml: CoreMLSettings = Field(default_factory=CoreMLSettings)
    output: OutputSettings = Field(default_factory=OutputSettings)
    service: ServiceSettings = Field(default_factory=ServiceSettings)
    styles: dict[Prompt, Prompt] = Field(
        default_factory=dict,
        title="Styles",
        description='The gallery: name = "prompt". Yours, beside the ten that come with it.',
        json_schema_extra={"additionalProperties": {"type": "string", "pattern": _ANY_WORD}},
    )

    def prompt_text(self, prompt: str | None = None) -> str:
        """The text behind a prompt: a style's own text, or the prompt as it stands."""
        prompt = self.look.prompt if prompt is None else prompt
        style = styles.named(self.styles, prompt)
        return prompt if style is None else self.styles[style]


def sections() -> dict[str, type[Section]]:
    """The sections that have keys of their own, by name: all but [styles]."""
    return {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
    }


def parse_render_size(text: str) -> tuple[int, int]:
    """(width, height) of "512" or "768x448"; ValueError says what would be right."""
    match = re.fullmatch(r"([0-9]{2,4})(?:x([0-9]{2,4}))?", text.strip().lower())
    if match is None:
        raise ValueError(f'"{text[:40]}" is not "auto" nor a size such as 512 or 768x448')
    width = int(match[1])
    height = int(match[2] or match[1])
    for pixels in (width, height):
        if pixels % 64 or not 64 <= pixels <= 1024:
            raise ValueError(f"{pixels} is not a multiple of 64 between 64 and 1024")
    return width, height


def _number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
