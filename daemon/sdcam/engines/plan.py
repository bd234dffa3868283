"""What is to run, by which engine, and how its stages are spread over processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from sdcam.models.bundle import Layout
from sdcam.pipeline.networks import FusedNetworks, Networks
from sdcam.pipeline.stages import FUSED_STAGES, STAGES, frame_buffer_bytes
from sdcam.settings import Settings

Processes = Mapping[str, tuple[str, ...]]  # name of a process: the stages that it runs
Size = tuple[int, int]

# On a CPU every stage wants all cores: one process, one frame at a time.
TOGETHER: Final[Processes] = {"model": STAGES}
LAYOUTS: Final[Mapping[str, Processes]] = {
    # Encoder and decoder on the Neural Engine, UNet on the GPU, each with a frame of its own.
    "staged": {
        "encode": ("preprocess", "encode"),
        "denoise": ("denoise",),
        "decode": ("decode", "smooth"),
    },
    # One program; what the host does before and after it must not keep it waiting.
    "fused": {stage: (stage,) for stage in FUSED_STAGES},
}

# Of any model, so that another one can be loaded without new memory. What is never touched of it
# costs nothing.
LARGEST_FRAME_BUFFERS: Final = frame_buffer_bytes(1024, 1024)


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
        kind = kind_of(self.engine)
        if kind == "coreml":
            from sdcam.engines.coreml import open_coreml
            from sdcam.models.bundles import find_bundle

            layout = cast(Layout, self.engine.partition(":")[2])
            return open_coreml(find_bundle(self.model, self.size, layout), stages, self.units)
        from sdcam.engines.render_size import SQUARE, auto_size
        from sdcam.engines.single_process import open_engine
        from sdcam.models import find_model

        folder = find_model(self.model)
        if kind == "replay":
            from sdcam.engines.replay import open_replay, parse_replay

            return open_replay(parse_replay(self.engine), folder, self.size or SQUARE, stages)
        size = self.size or auto_size(
            folder, self.engine, lambda size: open_engine(self.engine, folder, size)
        )
        return open_engine(self.engine, folder, size)


def kind_of(engine: str) -> str:
    """The first word of an engine's name, "coreml" of "coreml:staged"."""
    return engine.split(maxsplit=1)[0].partition(":")[0] if engine.strip() else engine
