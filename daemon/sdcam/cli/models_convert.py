"""`sdcam models convert`: from a checkpoint to what an engine loads.

The converters are a package of their own with heavy needs, so they are loaded by name and only
when they are called.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sdcam.errors import MissingError, SdcamError

if TYPE_CHECKING:
    from sdcam.cli.models_pull import Actions
    from sdcam.models import ModelFolder


def configure(actions: Actions[argparse.ArgumentParser]) -> None:
    text = "make a model ready for an engine"
    parser = actions.add_parser("convert", help=text, description=text)
    parser.add_argument("model", metavar="NAME-or-DIR", help="a model, or a diffusers folder")
    parser.add_argument("--to", choices=("cpu",), default="cpu", help="the engine (default: cpu)")
    parser.set_defaults(run=convert)


def convert(arguments: argparse.Namespace) -> int:
    from sdcam.models.registry import find_model

    return _to_cpu(find_model(arguments.model))


def converter(name: str) -> Any:
    """A module of `sdcam_convert`.

    Raises:
        MissingError: what it needs is not installed.
    """
    try:
        return import_module(name)
    except ImportError as fault:
        if fault.name is None or fault.name.startswith("sdcam"):
            raise
        raise MissingError(
            f"Converting needs {fault.name}, which is not installed.",
            'Run: pip install "streamdiffusion-cam[convert]".',
        ) from None


def _to_cpu(model: ModelFolder) -> int:
    """Writes the CPU engine's graphs into the model's folder and compares them with diffusers.

    Returns:
        1 where they compute something else, else 0.
    """
    cpu, agreement = converter("sdcam_convert.cpu"), converter("sdcam_convert.agreement")
    from sdcam.models.folder import STAGES

    try:
        cpu.export_cpu(model.path)
    except OSError as fault:
        for stage in STAGES:  # some may be cut short
            model.graph(stage).unlink(missing_ok=True)
        raise SdcamError(
            f"The graphs cannot be written into {model.path} ({fault.strerror}).",
            "Nothing was left there. Make room, or check its permissions.",
        ) from None
    differences = agreement.cpu_agreement(model)
    for stage, difference in differences.items():
        print(f"{stage:18} {difference:.1e} relative difference from diffusers")
    return int(any(differences[stage] > agreement.TOLERANCE[stage] for stage in STAGES))
