"""Changes of single keys while running, validated like the file."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from sdcam.errors import UsageError
from sdcam.settings.key import Effect, effect_of
from sdcam.settings.mistakes import short
from sdcam.settings.schema import Settings, sections


def changed(settings: Settings, values: Mapping[str, object]) -> Settings:
    """A copy of `settings` with `{"look.strength": 0.7}` in force.

    Raises:
        UsageError: an unknown key, a key that is not live, a value that does not fit.
    """
    changes: dict[str, BaseModel] = {}
    for dotted, value in values.items():
        section, _, key = dotted.partition(".")
        if not is_live(dotted):
            known = effect_in(dotted) is not None
            raise UsageError(
                f'"{short(dotted)}" is not a key that can be changed while running.',
                "With --save it goes into the configuration file, which is read at once."
                if known
                else f"These can: {', '.join(live_keys())}.",
            )
        model = changes.get(section) or getattr(settings, section)
        try:
            changes[section] = type(model).model_validate({**model.model_dump(), key: value})
        except ValidationError as error:
            wrong = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            raise UsageError(
                f"{dotted} = {short(repr(value))}: {wrong[:1].lower()}{wrong[1:]}."
            ) from None
    return settings.model_copy(update=changes)


def live_keys() -> list[str]:
    """ "look.prompt", ... in the order of the models."""
    return [
        f"{section}.{key}"
        for section, model in sections().items()
        for key, field in model.model_fields.items()
        if effect_of(field) is Effect.LIVE
    ]


def is_live(dotted: str) -> bool:
    return effect_in(dotted) is Effect.LIVE


def effect_in(dotted: str) -> Effect | None:
    """What a change of "output.fps" brings about; None for what is no key of a section."""
    section, _, key = dotted.partition(".")
    if section not in sections() or key not in sections()[section].model_fields:
        return None
    return effect_of(sections()[section].model_fields[key])


def differences(before: Settings, after: Settings) -> frozenset[str]:
    """The dotted keys whose values differ; "styles" as a whole."""
    keys = {
        f"{section}.{key}"
        for section, model in sections().items()
        for key in model.model_fields
        if getattr(getattr(before, section), key) != getattr(getattr(after, section), key)
    }
    # Their order counts: `next` and `prev` walk through it.
    if list(before.styles.items()) != list(after.styles.items()):
        keys.add("styles")
    return frozenset(keys)
