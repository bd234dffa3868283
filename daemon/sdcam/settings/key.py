"""One key of the configuration: its value, meaning, unit and bounds, and what a change brings about
while the service runs. The default file, the JSON Schema and `sdcam config show` all come from it.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, get_args

import annotated_types
from pydantic import Field
from pydantic.fields import FieldInfo


class Effect(str, Enum):
    """What happens when a key changes while the service runs. The output goes on in any case."""

    LIVE = "live"  # at once, no frame is lost
    CAMERA = "camera"  # the camera is opened anew
    MODEL = "model"  # the model is loaded anew
    OUTPUT = "output"  # the virtual camera is opened anew
    RESTART = "restart"  # nothing until the service is started anew


def key(
    default: Any,
    title: str,
    description: str,
    *,
    effect: Effect,
    unit: str | None = None,
    schema: dict[str, Any] | None = None,
    **bounds: Any,
) -> Any:
    """A field of a section.

    Args:
        unit: in the plural, as it stands behind a number: "seconds".
        schema: more for the JSON Schema.
        bounds: of pydantic's `Field`: ge, le, multiple_of, min_length, max_length.
    """
    extra: dict[str, Any] = {"effect": effect.value, **(schema or {})}
    if unit:
        extra["unit"] = unit
    return Field(default, title=title, description=description, json_schema_extra=extra, **bounds)


def effect_of(field: FieldInfo) -> Effect:
    return Effect(_extra(field)["effect"])


def unit_of(field: FieldInfo) -> str:
    """ "seconds", or "" for a share, a count, a word."""
    return str(_extra(field).get("unit", ""))


def bounds_of(field: FieldInfo) -> str:
    """ "0 to 0.95", '"crop", "pad" or "blur"', or ""."""
    if choices := choices_of(field):
        quoted = [f'"{choice}"' for choice in choices]
        return f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    low = next((m.ge for m in field.metadata if isinstance(m, annotated_types.Ge)), None)
    high = next((m.le for m in field.metadata if isinstance(m, annotated_types.Le)), None)
    return "" if low is None or high is None else f"{low:g} to {high:.10g}"


def choices_of(field: FieldInfo) -> tuple[str, ...]:
    """The words that a key may be, () where it is free."""
    annotation = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(str(member.value) for member in annotation)
    return tuple(word for word in get_args(annotation) if isinstance(word, str))


def _extra(field: FieldInfo) -> dict[str, Any]:
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    return extra
