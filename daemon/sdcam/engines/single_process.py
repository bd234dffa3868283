"""The engines whose stages share one process: OpenVINO on the CPU, torch on any device, and "auto",
which chooses between the two."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from sdcam.engines.plan import EnginePlan, ModelSpec, no_such_engine
from sdcam.errors import MissingError, UsageError
from sdcam.models import ModelFolder, find_model
from sdcam.models.registry import EMBEDDED
from sdcam.pipeline.networks import Networks


def ways_to_run(model: ModelSpec) -> list[EnginePlan]:
    """One plan: nothing is left to choose before the model is opened."""
    return [EnginePlan(model.name, model.engine, model.size)]


def open_plan(plan: EnginePlan, stages: tuple[str, ...]) -> Networks:
    """All networks of the model, whatever the stages. As `EnginePlan.open`."""
    from sdcam.engines.render_size import auto_size

    folder = find_model(plan.model)
    size = plan.size or auto_size(
        folder, plan.engine, lambda size: open_engine(plan.engine, folder, size)
    )
    return open_engine(plan.engine, folder, size)


def open_engine(
    spec: str, model: ModelFolder, size: tuple[int, int], threads: int | None = None
) -> Networks:
    """Loads a model and runs it once, so that the first frame takes as long as any other.

    Args:
        spec: "auto", "openvino", "openvino:f32|bf16|f16", "torch", "torch:cuda|mps|cpu".
        model: what to run.
        size: (width, height) of the picture in pixels, multiples of 64.
        threads: of the CPU; None: one for each physical core.

    Raises:
        UsageError: no such engine, or a size that the model cannot paint.
        MissingError: the engine is not installed, or the model is not made for it.
    """
    for pixels in size:
        if pixels <= 0 or pixels % 64:
            raise UsageError(
                f"The model cannot paint {size[0]}x{size[1]} pixels.",
                "Set model.render_size to multiples of 64.",
            )
    engine, _, variant = (automatic_engine(model) if spec == "auto" else spec).partition(":")
    if engine == "openvino":
        from sdcam.engines.openvino_cpu import OpenVINONetworks

        return OpenVINONetworks(model, size, precision=variant or "auto", threads=threads)
    if engine == "torch":
        if not _torch_is_installed():
            raise _torch_is_missing()
        try:
            from sdcam.engines.torch_device import TorchNetworks
        except ImportError as fault:
            raise _torch_is_missing(fault) from None
        return TorchNetworks(model, size, device=variant or "auto", threads=threads)
    raise no_such_engine(spec)


def automatic_engine(model: ModelFolder) -> str:
    """The embedded model is made for the CPU and starts fastest there. Other models run on an
    accelerator where one is likely: only torch can tell for certain, and its import takes
    seconds."""
    if model.has_graphs and (model.name == EMBEDDED or not _accelerator_is_likely()):
        return "openvino"
    if _torch_is_installed():
        return "torch"
    if model.has_graphs:
        return "openvino"
    raise MissingError(
        f"The model in {model.path} has no graphs for the CPU, and torch is not installed.",
        f"Run: sdcam models convert {model.path} --to cpu, "
        'or: pip install "streamdiffusion-cam[torch]".',
    )


def _torch_is_installed() -> bool:
    return importlib.util.find_spec("torch") is not None


def _accelerator_is_likely() -> bool:
    if not _torch_is_installed():
        return False
    return sys.platform == "darwin" or Path("/dev/nvidiactl").exists() or Path("/dev/kfd").exists()


def _torch_is_missing(fault: ImportError | None = None) -> MissingError:
    name = fault.name if fault is not None and fault.name else "torch"
    return MissingError(
        f"The torch engine cannot run: {name} is not installed.",
        'Run: pip install "streamdiffusion-cam[torch]".',
    )
