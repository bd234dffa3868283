"""What is to run, by which engine, and how its stages are spread over processes.

An engine is a module with the two functions of `Engine`; `ENGINES` names it. Modules are imported
when they are first needed, so that a process loads only the runtime that it uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

from sdcam.errors import UsageError
from sdcam.pipeline.frame import frame_buffer_bytes
from sdcam.pipeline.networks import FusedNetworks, Networks
from sdcam.pipeline.stages import FUSED_STAGES, STAGES

if TYPE_CHECKING:  # pydantic takes 0.2 s to import, in every process of a model
    from sdcam.settings import Settings

Processes = Mapping[str, tuple[str, ...]]  # process name to the stages that it runs
Size = tuple[int, int]  # (width, height) in pixels

# On a CPU every stage uses all cores: one process, one frame at a time.
TOGETHER: Final[Processes] = {"model": STAGES}
LAYOUTS: Final[Mapping[str, Processes]] = {
    # Encoder and decoder on the Neural Engine, UNet on the GPU, each with a frame of its own.
    "staged": {
        "encode": ("preprocess", "encode"),
        "denoise": ("denoise",),
        "decode": ("decode", "smooth"),
    },
    # One program. The host's work before and after it has processes of its own, so that the
    # program never waits for it.
    "fused": {stage: (stage,) for stage in FUSED_STAGES},
}

# Large enough for any model, so that changing the model allocates nothing. Pages that are never
# touched cost no memory.
LARGEST_FRAME_BUFFERS: Final = frame_buffer_bytes(1024, 1024)

ENGINES: Final[dict[str, str]] = {
    "auto": "sdcam.engines.single_process",
    "openvino": "sdcam.engines.single_process",
    "torch": "sdcam.engines.single_process",
    "coreml": "sdcam.engines.coreml",
    "replay": "sdcam.engines.replay",
}


@dataclass(frozen=True)
class ModelSpec:
    """What the user wants to run.

    Attributes:
        name, engine: words of the configuration.
        size: (width, height) of the picture in pixels; None: whatever suits the model.
        units: compute units of Core ML's programs, by program.
    """

    name: str
    engine: str = "auto"
    size: Size | None = None
    units: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> ModelSpec:
        model = settings.model
        return cls(model.name, model.engine, model.size, settings.coreml.chosen)


@dataclass(frozen=True)
class EnginePlan:
    """A fully resolved plan: engine, size and process layout.

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
        """ "coreml:staged, encode cpu-and-ne, decode cpu-and-ne": tells plans apart."""
        return ", ".join([self.engine, *(f"{name} {units}" for name, units in self.units.items())])

    def open(self, stages: tuple[str, ...]) -> Networks | FusedNetworks:
        """Loads what these stages need, and warms it up.

        Raises:
            UsageError: no such engine, or a size that the model cannot paint.
            MissingError: the engine or the model is not here.
        """
        return engine_of(self.engine).open_plan(self, stages)


class Engine(Protocol):
    """The functions that an engine's module has."""

    def ways_to_run(self, model: ModelSpec) -> list[EnginePlan]:
        """Every plan that the user's words leave open, the most promising first.

        Raises:
            UsageError, MissingError: as `EnginePlan.open`.
        """
        ...

    def open_plan(self, plan: EnginePlan, stages: tuple[str, ...]) -> Networks | FusedNetworks:
        """As `EnginePlan.open`."""
        ...


def register_engine(name: str, module: str) -> None:
    """Adds an engine, which `model.engine` then accepts with any variant.

    A process that is spawned imports the main module again. An engine that is registered there is
    therefore known in every process.

    Args:
        module: name of a module with the functions of `Engine`, importable in every process.
    """
    from sdcam.settings.keys import REGISTERED_ENGINES

    ENGINES[name] = module
    REGISTERED_ENGINES.add(name)


def engine_of(words: str) -> Engine:
    """The engine that a plan or `model.engine` names.

    Raises:
        UsageError: there is none of that name.
    """
    module = ENGINES.get(kind_of(words))
    if module is None:
        raise no_such_engine(words)
    return cast(Engine, import_module(module))


def kind_of(engine: str) -> str:
    """The first word of an engine's name: "coreml" of "coreml:staged"."""
    return engine.split(maxsplit=1)[0].partition(":")[0] if engine.strip() else engine


def no_such_engine(words: str) -> UsageError:
    return UsageError(
        f'There is no engine "{words}".',
        'Set model.engine to "auto", "coreml", "openvino", "torch", "torch:cuda|mps|cpu" or '
        '"replay:PROFILE".',
    )
