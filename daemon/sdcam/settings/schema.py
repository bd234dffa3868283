"""The settings as pydantic models: the only place where a key is defined, with its default, its
meaning, its bounds, and what a change of it brings about while the service runs.

The default file, the JSON Schema, `sdcam config show` and the messages about mistakes come from it.
"""

from __future__ import annotations

from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator
from pydantic.fields import FieldInfo

from sdcam import paths
from sdcam.platforms.names import CAMERA_NAME
from sdcam.settings import keys
from sdcam.settings.keys import AUTO, Effect, Unit
from sdcam.settings.styles import named, one_of_each

_live, _camera, _model, _output, _restart = (partial(keys.key, effect) for effect in Effect)


class Fit(str, Enum):
    """How a picture of one shape fills an output of another."""

    CROP = "crop"  # fills the output and cuts the overhang
    PAD = "pad"  # shows the whole picture between black bars
    BLUR = "blur"  # shows the whole picture over a blurred, enlarged copy of itself


class Section(BaseModel):
    """A table of the file.

    It is strict, because in TOML true, 1 and "1" are three things; text of the environment and of
    the command line is converted before (`sources.typed_values`). Validators are built at first
    use: the service's processes import these models, and most of them validate nothing.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        defer_build=True,
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


class LookSettings(Section):
    """What the picture looks like. Every key takes effect while running."""

    prompt: keys.Prompt = _live(
        "oil",
        "Prompt",
        "What the model paints: free text, or the name of a style in [styles].",
        {"pattern": keys.ANY_WORD},
    )
    strength: keys.Share = _live(0.5, "Strength", "0 keeps the camera, 1 lets the model go.")
    feedback: keys.ShareBelowOne = _live(
        0.1,
        "Latent feedback",
        "Share of the previous frame's latent: steadier, and slower to follow.",
    )
    smoothing: keys.ShareBelowOne = _live(
        0.4,
        "Smoothing",
        "Exponential smoothing of styled frames: the share of what was shown before.",
    )
    blend: keys.Share = _live(
        0.0, "Blend", "Share of the raw camera in the picture. Above 0, others see the camera."
    )
    transition_seconds: Annotated[keys.Seconds, Field(ge=0.0, le=60.0)] = _live(
        0.7, "Transition", "How long one prompt takes to melt into the next."
    )
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = _live(
        42, "Seed", "Chooses the fixed noise of the model."
    )
    steps: Annotated[int, Field(ge=1, le=4), Unit("steps")] = _live(
        1, "Steps", "Denoising steps of each frame. One-step models want 1."
    )
    similarity: keys.Share = _live(
        0.0,
        "Similarity filter",
        "Skips the model, at random and the more often the less the picture changes, once frames "
        "are alike to this degree (0.98 is a good start). 0 turns it off.",
    )


class CameraSettings(Section):
    """The physical camera. A change reopens it; the output goes on."""

    device: keys.TextOrNumber = _camera(
        AUTO,
        "Camera",
        'Name of the camera, its number in `sdcam cameras`, or "auto".',
        keys.TEXT_OR_NUMBER,
    )
    width: keys.Width = _camera(1280, "Width", "Width to ask the camera for.")
    height: keys.Height = _camera(720, "Height", "Height to ask the camera for.")
    fps: keys.FrameRate = _camera(30.0, "Frame rate", "Frame rate to ask the camera for.")


class ModelSettings(Section):
    """What paints. A change reloads the model; the output goes on."""

    name: keys.UserPath = _model(
        AUTO, "Model", 'A model of `sdcam models`, a diffusers folder, or "auto".'
    )
    engine: keys.Engine = _model(
        AUTO,
        "Engine",
        'What runs the networks: "auto"; on Apple Silicon "coreml", "coreml:fused" (one program) '
        'or "coreml:staged" (a process for each stage); "openvino", "torch", "torch:cuda"; '
        '"replay:PROFILE" plays published stage times, for benchmarks.',
        {"pattern": keys.ENGINE_PATTERN},
    )
    render_size: keys.RenderSize = _model(
        AUTO,
        "Render size",
        "Size of the picture that the model paints: a number for a square, WIDTHxHEIGHT "
        '(multiples of 64) for a wide picture that shows the whole camera, or "auto".',
        keys.TEXT_OR_NUMBER,
    )

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) in pixels, None for "auto"."""
        return None if self.render_size == AUTO else keys.parse_render_size(self.render_size)


class CoreMLSettings(Section):
    """Compute units of each Core ML program (macOS). A change reloads the model."""

    fused: keys.Units = _model(AUTO, "Fused", "The whole model as one program.")
    encode: keys.Units = _model(AUTO, "Encoder", "Picture to latent.")
    unet: keys.Units = _model(AUTO, "UNet", "Denoises the latent; the heavy one.")
    decode: keys.Units = _model(AUTO, "Decoder", "Latent to picture.")
    text_encoder: keys.Units = _model(
        AUTO, "Text encoder", "Prompt to embedding; runs when the prompt changes."
    )

    @property
    def chosen(self) -> dict[str, str]:
        """Compute units by program, without those that are "auto"."""
        return {name: units for name, units in self.model_dump().items() if units != AUTO}


class OutputSettings(Section):
    """The virtual camera. A change that is not live reopens it."""

    device: keys.Text = _output(
        CAMERA_NAME,
        "Virtual camera",
        'Its name; Linux: also /dev/videoN; macOS has "OBS Virtual Camera" only.',
    )
    width: Annotated[keys.Width, Field(multiple_of=2)] = _output(1280, "Width", "Width.")
    height: Annotated[keys.Height, Field(multiple_of=2)] = _output(720, "Height", "Height.")
    fps: keys.FrameRate = _output(30.0, "Frame rate", "Steady, whatever camera and model do.")
    fit: Annotated[Fit, Field(strict=False)] = _live(
        Fit.CROP, "Fit", "How the painted picture fills the output."
    )
    mirror: bool = _live(
        False,
        "Mirror",
        "Flips the picture. Apps already mirror the view that you see of yourself.",
    )
    hold_seconds: Annotated[keys.Seconds, Field(ge=0.1, le=60.0)] = _live(
        2.0, "Hold", "How long the last styled frame stays when no new one comes; then a card."
    )
    side_by_side: bool = _live(
        False,
        "Side by side",
        "Offers camera and picture side by side to OBS (docs/obs.md). Every program that runs as "
        "you can see the camera then.",
    )
    on_demand: bool = _live(
        False,
        "On demand",
        "Closes the camera and rests the model while no app shows the virtual camera.",
    )
    unload_after: Annotated[keys.Seconds, Field(ge=0.0, le=604800.0)] = _live(
        300.0,
        "Unload after",
        "With on_demand: time without a viewer after which the model's memory is freed. "
        "0 keeps the model loaded.",
    )


class ServiceSettings(Section):
    """The background service itself. What is not live waits for `sdcam service restart`."""

    log_level: keys.LogLevel = _live(
        "info", "Log level", "The least severe messages that are logged."
    )
    log_file: keys.UserPath = _restart(
        AUTO, "Log file", 'Path of the log of the background service, or "auto".'
    )
    log_bytes: Annotated[int, Field(ge=10_000, le=1_000_000_000), Unit("bytes")] = _restart(
        5_000_000, "Log size", "Size at which the log starts a new file."
    )
    log_count: Annotated[int, Field(ge=1, le=100), Unit("files")] = _restart(
        3, "Log files", "How many old log files are kept."
    )
    socket: keys.UserPath = _restart(
        AUTO, "Control socket", 'Path of the control socket, or "auto".'
    )

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
    styles: Annotated[dict[keys.StylePrompt, keys.StylePrompt], AfterValidator(one_of_each)] = (
        Field(
            default_factory=dict,
            title="Styles",
            description='The gallery: name = "prompt". Yours, beside the ten that come with it.',
            json_schema_extra={
                "additionalProperties": {"type": "string", "pattern": keys.ANY_WORD}
            },
        )
    )

    def prompt_text(self, prompt: str | None = None) -> str:
        """The text that the model gets for a prompt (None: the one in force): the style's text if
        the prompt is the name of a style."""
        prompt = self.look.prompt if prompt is None else prompt
        style = named(self.styles, prompt)
        return prompt if style is None else self.styles[style]


def sections() -> dict[str, type[Section]]:
    """The sections that have keys of their own, by name: all but [styles]."""
    return {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
    }


def field_of(dotted: str) -> FieldInfo | None:
    """The field of "output.fps"; None if there is no such key."""
    section, _, key = dotted.partition(".")
    model = sections().get(section)
    return model.model_fields.get(key) if model else None


def effect_of_key(dotted: str) -> Effect | None:
    """What a change of "output.fps" brings about; None if there is no such key."""
    field = field_of(dotted)
    return keys.effect_of(field) if field else None
