"""Which way to run a model is taken: what the user's words leave open, and what is fastest."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sdcam.engines.plan import LAYOUTS, EnginePlan, ModelSpec, kind_of
from sdcam.errors import SdcamError

# Styled frames a second of each plan, by `EnginePlan.label`.
Measure = Callable[[Sequence[EnginePlan]], Mapping[str, float]]


def plan_engine(model: ModelSpec, measure: Measure) -> EnginePlan:
    """Chooses engine and layout, mostly from files alone.

    Args:
        measure: called once on a Mac for a model that can run in several ways; gives the styled
            frames a second of each.

    Raises:
        UsageError, MissingError: as `EnginePlan.open`.
    """
    model = _resolved(model)
    return _fastest(model, measure) if kind_of(model.engine) == "coreml" else ways_to_run(model)[0]


def remember(model: ModelSpec, fps: Mapping[str, float]) -> str | None:
    """Keeps what `sdcam bench` found for the next start, where that has a choice; tells where."""
    model = _resolved(model)
    if kind_of(model.engine) != "coreml":
        return None
    from sdcam.engines.coreml import layouts

    bundle, _ = layouts.coreml_plans(model)
    layouts.remember(bundle, fps)
    return str(bundle.path / layouts.MEASURED)


def ways_to_run(model: ModelSpec) -> list[EnginePlan]:
    """Every way that the user's words leave open; without a measurement the first one is taken.

    Raises:
        UsageError, MissingError: as `EnginePlan.open`.
    """
    model = _resolved(model)
    if (kind := kind_of(model.engine)) == "coreml":
        from sdcam.engines.coreml.layouts import coreml_plans

        return coreml_plans(model)[1]
    if kind == "replay":
        from sdcam.engines.replay import parse_replay

        spec, faults = parse_replay(model.engine), model.engine.split()[1:]
        # Faults name programs, and each layout has its own.
        layouts = [spec.layout or "staged"] if spec.layout or faults else list(LAYOUTS)
        return [
            EnginePlan(model.name, " ".join((word, *faults)), model.size, LAYOUTS[layout])
            for layout in layouts
            for word in [f"replay:{spec.profile.name}:{layout}"]
        ]
    return [EnginePlan(model.name, model.engine, model.size)]


def _fastest(model: ModelSpec, measure: Measure) -> EnginePlan:
    from sdcam.engines.coreml import layouts

    bundle, plans = layouts.coreml_plans(model)
    if len(plans) > 1:
        if known := layouts.remembered(bundle, plans):
            return known
        rates = measure(plans)
        layouts.remember(bundle, rates)
        return max(plans, key=lambda plan: rates[plan.label])
    return plans[0]


def _resolved(model: ModelSpec) -> ModelSpec:
    """On a Mac "auto" is Core ML for every model that is converted."""
    if model.engine != "auto" or platform.system() != "Darwin":
        return model
    from sdcam.models.bundles import find_bundle

    try:
        find_bundle(model.name, model.size)
    except SdcamError:
        return model
    return replace(model, engine="coreml")
