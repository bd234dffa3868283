"""Decides how a model runs: what the user's words leave open, and which of it is fastest."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from sdcam.engines.plan import EnginePlan, ModelSpec, engine_of, kind_of
from sdcam.errors import SdcamError

# Styled frames a second of each plan, by `EnginePlan.label`.
Measure = Callable[[Sequence[EnginePlan]], Mapping[str, float]]


def plan_engine(model: ModelSpec, measure: Measure) -> EnginePlan:
    """Chooses engine and layout, mostly from files alone.

    Args:
        measure: called once on a Mac for a model that can run in several ways; returns the styled
            frames a second of each.

    Raises:
        UsageError, MissingError: as `EnginePlan.open`.
    """
    model = _resolved(model)
    plans = engine_of(model.engine).ways_to_run(model)
    if kind_of(model.engine) != "coreml" or len(plans) == 1:
        return plans[0]
    from sdcam.engines.coreml import layouts

    bundle = layouts.bundle_of(model)
    if known := layouts.remembered(bundle, plans):
        return known
    rates = measure(plans)
    layouts.remember(bundle, rates)
    return max(plans, key=lambda plan: rates[plan.label])


def remember(model: ModelSpec, fps: Mapping[str, float]) -> str | None:
    """Keeps what `sdcam bench` measured for the next start. Returns the file's path; None where
    there is nothing to choose."""
    model = _resolved(model)
    if kind_of(model.engine) != "coreml":
        return None
    from sdcam.engines.coreml import layouts

    bundle = layouts.bundle_of(model)
    layouts.remember(bundle, fps)
    return str(bundle.path / layouts.MEASURED)


def ways_to_run(model: ModelSpec) -> list[EnginePlan]:
    """Every way that the user's words leave open; without a measurement the first one is taken.

    Raises:
        UsageError, MissingError: as `EnginePlan.open`.
    """
    model = _resolved(model)
    return engine_of(model.engine).ways_to_run(model)


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
