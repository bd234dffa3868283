"""Which engine runs a model, and how its stages are spread over processes."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, cast

from sdcam.errors import SdcamError
from sdcam.models.bundle import Layout
from sdcam.pipeline.networks import FusedNetworks, Networks
from sdcam.pipeline.stages import FUSED_STAGES, STAGES, canvas_bytes
from sdcam.settings import Settings

Processes = Mapping[str, tuple[str, ...]]  # name of a process: the stages that it runs
Size = tuple[int, int]

# On a CPU every stage wants all cores: one process, one frame at a time.
TOGETHER: Final[Processes] = {"model": STAGES}
LAYOUTS: Final[Mapping[str, Processes]] = {
    # Encoder and decoder on the Neural Engine, UNet on the GPU, each with a frame of its own.
    "staged": {
        "encode": ("frame", "encode"),
        "denoise": ("denoise",),
        "decode": ("decode", "smooth"),
    },
    # One program; what the host does before and after it must not keep it waiting.
    "fused": {stage: (stage,) for stage in FUSED_STAGES},
}

# Of any model, so that another one can be loaded without new memory. What is never touched of it
# costs nothing.
LARGEST_CANVAS: Final = canvas_bytes(1024, 1024)


@dataclass(frozen=True)
class ModelSpec:
    """What the user wants to run: words of the configuration, (width, height) of the picture in
    pixels or None for whatever suits the model, compute units of Core ML's programs by name."""

    name: str
    engine: str = "auto"
    size: Size | None = None
    units: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> ModelSpec:
        wanted = settings.model
        return cls(wanted.name, wanted.engine, wanted.size, settings.coreml.chosen)


@dataclass(frozen=True)
class EnginePlan:
    """Nothing is left to choose.

    Attributes:
        engine: "openvino", "torch:cuda", "coreml:staged", "replay:m3-ultra:fused", ...
        processes: in the order in which frames pass them.
    """

    model: str
    engine: str
    size: Size | None
    processes: Processes = field(default_factory=lambda: TOGETHER)
    units: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """ "coreml:staged, encode cpu-and-ne, decode cpu-and-ne": what tells plans apart."""
        return ", ".join([self.engine, *(f"{name} {units}" for name, units in self.units.items())])

    def open(self, stages: tuple[str, ...]) -> Networks | FusedNetworks:
        """Loads what these stages need, and warms it up.

        Raises:
            UsageError: no such engine, or a size that the model cannot paint.
            MissingError: the engine or the model is not here.
        """
        kind = _kind(self.engine)
        if kind == "coreml":
            from sdcam.engines.coreml import open_coreml
            from sdcam.models.bundles import find_bundle

            layout = cast(Layout, self.engine.partition(":")[2])
            return open_coreml(find_bundle(self.model, self.size, layout), stages, self.units)
        from sdcam.engines.open import open_engine
        from sdcam.engines.render_size import SQUARE, auto_size
        from sdcam.models import find_model

        folder = find_model(self.model)
        if kind == "replay":
            from sdcam.engines.replay import open_replay, parse_replay

            return open_replay(parse_replay(self.engine), folder, self.size or SQUARE, stages)
        size = self.size or auto_size(
            folder, self.engine, lambda size: open_engine(self.engine, folder, size)
        )
        return open_engine(self.engine, folder, size)


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
    return _fastest(model, measure) if _kind(model.engine) == "coreml" else ways_to_run(model)[0]


def remember(model: ModelSpec, fps: Mapping[str, float]) -> str | None:
    """Keeps what `sdcam bench` found for the next start, where that has a choice; tells where."""
    model = _resolved(model)
    if _kind(model.engine) != "coreml":
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
    if (kind := _kind(model.engine)) == "coreml":
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


def _kind(engine: str) -> str:
    return engine.split(maxsplit=1)[0].partition(":")[0] if engine.strip() else engine
