"""Changes of single keys while running, validated like the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from sdcam.errors import UsageError
from sdcam.settings.schema import Settings

# Every key of [look], and of [output] those that concern the compositor alone.
_LIVE_OUTPUT = {"fit", "mirror"}


def changed(settings: Settings, values: Mapping[str, object]) -> Settings:
    """A copy of `settings` with `{"look.strength": 0.7}` in force.

    Raises:
        UsageError: an unknown key, a key that is not live, a value that does not fit.
    """
    sections: dict[str, BaseModel] = {}
    for dotted, value in values.items():
        section, _, key = dotted.partition(".")
        if not is_live(dotted):
            raise UsageError(
                f'"{dotted}" is not a key that can be changed while running.',
                f"These can: {', '.join(live_keys())}.",
            )
        model = sections.get(section) or getattr(settings, section)
        try:
            sections[section] = type(model).model_validate({**model.model_dump(), key: value})
        except ValidationError as error:
            wrong = error.errors()[0]["msg"]
            raise UsageError(f"{dotted} = {value!r}: {wrong[:1].lower()}{wrong[1:]}.") from None
    return settings.model_copy(update=sections)


def live_keys() -> list[str]:
    """ "look.prompt", ... in the order of the models."""
    every = [
        f"{section}.{key}"
        for section in ("look", "output")
        for key in type_of(section).model_fields
    ]
    return [key for key in every if is_live(key)]


def is_live(dotted: str) -> bool:
    section, _, key = dotted.partition(".")
    if section == "output":
        return key in _LIVE_OUTPUT
    return section == "look" and key in type_of("look").model_fields


def type_of(section: str) -> type[BaseModel]:
    annotation: Any = Settings.model_fields[section].annotation
    assert isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation
