"""`sdcam models convert`: from a checkpoint to what an engine loads."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcam.cli.converters import converter
from sdcam.errors import SdcamError, UsageError

if TYPE_CHECKING:
    from sdcam.cli.models_pull import Actions
    from sdcam.models import ModelFolder


def configure(actions: Actions[argparse.ArgumentParser]) -> None:
    text = "make a model ready for an engine"
    parser = actions.add_parser("convert", help=text, description=text)
    parser.add_argument("model", metavar="NAME-or-DIR", help="a model, or a diffusers folder")
    usual = "coreml" if sys.platform == "darwin" else "cpu"
    parser.add_argument(
        "--to", choices=("coreml", "cpu"), default=usual, help=f"the engine (default: {usual})"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="the bundle's folder (default: with the model)"
    )
    converter("coreml.options").add_options(parser)
    parser.set_defaults(run=convert)


def convert(arguments: argparse.Namespace) -> int:
    from sdcam.models.registry import find_model

    options = converter("coreml.options").options_from(arguments)
    if arguments.to == "coreml":
        model = find_model(arguments.model)
        if arguments.out is None:
            _refuse_a_second(arguments.model, model, options)
        return _to_coreml(model, options, arguments.out)
    if arguments.out or options != type(options)():
        raise UsageError(
            "The CPU's graphs lie in the model's folder and run at every size; --out, --size and "
            "the other options of a bundle are Core ML's.",
            "Leave them out, or add --to coreml.",
        )
    return _to_cpu(find_model(arguments.model))


def agreement(model: ModelFolder) -> int:
    """Prints how far the CPU's graphs are from diffusers.

    Returns:
        1 where that is too far, else 0.
    """
    judge = converter("agreement")
    differences = judge.cpu_agreement(model)
    for stage, difference in differences.items():
        print(f"{stage:18} {difference:.1e} relative difference from diffusers")
    return int(any(differences[stage] > judge.TOLERANCE[stage] for stage in differences))


def _to_cpu(model: ModelFolder) -> int:
    """Writes the CPU engine's graphs into the model's folder."""
    from sdcam.resources import embedded_model

    if model.path == embedded_model():
        raise UsageError(
            f"{model.name} comes with its graphs.",
            f"To check them: sdcam models verify {model.name}.",
        )
    try:
        converter("cpu").export_cpu(model.path)
    except KeyboardInterrupt:
        raise SdcamError("The conversion was interrupted.", "Nothing was changed.") from None
    return agreement(model)


def _refuse_a_second(word: str, model: ModelFolder, options: Any) -> None:
    from sdcam.models.registry import bundles_folder

    if (bundles_folder(model) / options.name).exists():
        raise UsageError(
            f"{model.name} has the bundle {options.name} already.",
            f"To make it anew, first: sdcam models remove {word} --bundle {options.name}.",
        )


def _to_coreml(model: ModelFolder, options: Any, out: Path | None) -> int:
    from sdcam.models.registry import bundles_folder, origin_of

    coreml = converter("coreml.convert")
    target = out or bundles_folder(model) / options.name
    try:
        coreml.convert_coreml(model, target, options, origin=origin_of(model))
    except KeyboardInterrupt:
        raise SdcamError("The conversion was interrupted.", "Nothing of it was kept.") from None
    print(f"To check it: sdcam models verify {target}")
    return 0
