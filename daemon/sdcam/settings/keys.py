"""What a key of the configuration is made of: its type with bounds and unit, and what a change of
it brings about while the service runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import annotated_types
from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.fields import FieldInfo

AUTO: Final = "auto"


class Effect(str, Enum):
    """What a change of a key brings about. The output goes on in any case."""

    LIVE = "live"  # takes effect at once; no frame is lost
    CAMERA = "camera"  # reopens the camera
    MODEL = "model"  # reloads the model
    OUTPUT = "output"  # reopens the virtual camera
    RESTART = "restart"  # waits for a restart of the service


def key(
    effect: Effect,
    default: Any,
    title: str,
    description: str,
    schema: Mapping[str, Any] | None = None,
) -> Any:
    """A field of a section; `schema` is added to its JSON Schema."""
    extra = {"effect": effect.value, **(schema or {})}
    return Field(default, title=title, description=description, json_schema_extra=extra)


@dataclass(frozen=True)
class Unit:
    """The unit of a number, in the plural: "seconds". Messages and the JSON Schema name it."""

    name: str

    def __get_pydantic_json_schema__(
        self, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(core_schema), "unit": self.name}


# The variants of each engine, as regular expressions. "auto" and the bare name leave the choice
# to the engine, which also knows what this machine can run.
ENGINES: Final[Mapping[str, tuple[str, ...]]] = {
    "coreml": (AUTO, "fused", "staged"),
    "openvino": (AUTO, "f32", "bf16", "f16"),
    "torch": (AUTO, "cpu", "mps", "cuda", "cuda:[0-9]+"),
    "replay": ("[^: ]*", "[^: ]*:(?:fused|staged)"),  # the engine knows its profiles
}
# Engines that a test or a benchmark has registered; they check their own variants.
REGISTERED_ENGINES: Final[set[str]] = set()
# JSON Schema knows only the regular expressions that all languages share.
ENGINE_PATTERN: Final = (
    f"^(?:{AUTO}|"
    + "|".join(f"{engine}(?::(?:{'|'.join(names)}))?" for engine, names in ENGINES.items())
    + ")$"
)
ANY_WORD: Final = r"\S"


def _known_engine(value: str) -> str:
    if re.fullmatch(ENGINE_PATTERN, value) or re.split("[: ]", value)[0] in REGISTERED_ENGINES:
        return value
    variants = (f"{e}:{v}" for e, names in ENGINES.items() for v in names if v.isalnum())
    near = get_close_matches(value, [AUTO, *ENGINES, *variants], n=1)
    raise ValueError(
        '"auto", "coreml", "coreml:fused|staged", "openvino", "openvino:f32|bf16|f16", "torch", '
        '"torch:cuda|mps|cpu" or "replay:PROFILE" is expected'
        + (f'; did you mean "{near[0]}"?' if near else "")
    )


def parse_render_size(text: str) -> tuple[int, int]:
    """(width, height) in pixels of "512" or "768x448".

    Raises:
        ValueError: it is neither; says what is expected.
    """
    match = re.fullmatch(r"([0-9]{2,4})(?:x([0-9]{2,4}))?", text.strip().lower())
    if match is None:
        raise ValueError(f'"{text[:40]}" is not "auto" nor a size such as 512 or 768x448')
    width, height = int(match[1]), int(match[2] or match[1])
    for pixels in (width, height):
        if pixels % 64 or not 64 <= pixels <= 1024:
            raise ValueError(f"{pixels} is not a multiple of 64 between 64 and 1024")
    return width, height


def _render_size(value: str) -> str:
    if value != AUTO:
        parse_render_size(value)
    return value


def _with_words(value: str) -> str:
    # A model paints something for an empty prompt, too, and that looks like the raw camera.
    if not value.strip():
        raise ValueError("text is expected; look.blend = 1 shows the camera")
    return value


def _path_with_home(value: str) -> str:
    try:
        Path(value).expanduser()
    except RuntimeError:
        raise ValueError("a path is expected; there is no such user's home") from None
    return value


def _number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Share = Annotated[float, Field(ge=0.0, le=1.0)]
ShareBelowOne = Annotated[float, Field(ge=0.0, le=0.95)]
FrameRate = Annotated[float, Field(ge=1.0, le=120.0), Unit("frames a second")]
Width = Annotated[int, Field(ge=64, le=3840), Unit("pixels")]
Height = Annotated[int, Field(ge=64, le=2160), Unit("pixels")]
Seconds = Annotated[float, Unit("seconds")]
Text = Annotated[str, Field(min_length=1)]
TextOrNumber = Annotated[Text, BeforeValidator(_number_as_text)]
Engine = Annotated[str, AfterValidator(_known_engine)]
RenderSize = Annotated[TextOrNumber, AfterValidator(_render_size), Unit("pixels")]
UserPath = Annotated[Text, AfterValidator(_path_with_home)]
StylePrompt = Annotated[str, AfterValidator(_with_words)]
Prompt = Annotated[str, Field(max_length=1000), AfterValidator(_with_words)]
Units = Literal["auto", "all", "cpu-and-gpu", "cpu-and-ne", "cpu-only"]
LogLevel = Literal["debug", "info", "warning", "error"]
TEXT_OR_NUMBER = {"type": ["string", "integer"]}


def effect_of(field: FieldInfo) -> Effect:
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    return Effect(extra["effect"])


def unit_of(field: FieldInfo) -> str:
    """ "seconds", or "" for a share, a count or a word."""
    return next((m.name for m in field.metadata if isinstance(m, Unit)), "")


def bounds_of(field: FieldInfo) -> str:
    """ "0 to 0.95", '"crop", "pad" or "blur"', or ""."""
    if choices := choices_of(field):
        quoted = [f'"{choice}"' for choice in choices]
        return f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    low = next((m.ge for m in field.metadata if isinstance(m, annotated_types.Ge)), None)
    high = next((m.le for m in field.metadata if isinstance(m, annotated_types.Le)), None)
    return "" if low is None or high is None else f"{low:g} to {high:.10g}"


def range_of(field: FieldInfo) -> str:
    """ "0 to 60 seconds": bounds and unit, as far as there are any."""
    return " ".join(filter(None, (bounds_of(field), unit_of(field))))


def choices_of(field: FieldInfo) -> tuple[str, ...]:
    """The words that a key may be, () if it is free."""
    annotation = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(str(member.value) for member in annotation)
    return tuple(word for word in get_args(annotation) if isinstance(word, str))
