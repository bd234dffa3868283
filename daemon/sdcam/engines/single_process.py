"""From the word in the configuration to a loaded and warm model."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from sdcam.errors import MissingError, UsageError
from sdcam.models import ModelFolder
from sdcam.models.registry import EMBEDDED
from sdcam.pipeline.networks import Networks


def open_engine(
    spec: str, model: ModelFolder, size: tuple[int, int], threads: int | None = None
) -> Networks:
    """Loads a model and runs it once, so that the first frame takes as long as any other.

    Args:
        spec: "auto", "openvino", "openvino:f32|bf16|f16", "torch", "torch:cuda|mps|cpu".
        model: what to run.
        size: (width, height) of the picture in pixels, multiples of 64.
        threads: of the CPU; None takes the physical cores.

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
    raise UsageError(
        f'There is no engine "{spec}".',
        'Set model.engine to "auto", "coreml", "openvino", "torch", "torch:cuda|mps|cpu" or '
        '"replay:PROFILE".',
    )


def automatic_engine(model: ModelFolder) -> str:
    """The embedded model is made for the CPU and starts fastest there; a big one goes to an
    accelerator where there is one, which only torch can tell (and its import takes seconds)."""
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
    lacks = f"{fault.name} is" if fault is not None and fault.name else "torch is"
    return MissingError(
        f"The torch engine cannot run: {lacks} not installed.",
        'Run: pip install "streamdiffusion-cam[torch]".',
    )
