"""`sdcam models convert`: from a checkpoint to what an engine loads; `sdcam models verify`: whether
the result still computes what the checkpoint does."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcam.cli.terminal import interruptible, say
from sdcam.errors import MissingError, UsageError

if TYPE_CHECKING:
    from sdcam.models import ModelFolder

Actions = argparse._SubParsersAction  # argparse has no public name for it


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

    text = "compare what was converted with the checkpoint, stage by stage"
    parser = actions.add_parser("verify", help=text, description=text)
    parser.add_argument(
        "model", metavar="NAME-or-BUNDLE", help="a model with all that was made of it, or a bundle"
    )
    converter("verify").add_options(parser)
    parser.set_defaults(run=verify)


def converter(name: str) -> Any:
    """A module of `sdcam_convert`, a package with heavy requirements: "cpu", "coreml.convert".

    Raises:
        MissingError: what it needs is not installed.
    """
    try:
        return import_module(f"sdcam_convert.{name}")
    except ImportError as fault:
        if fault.name is None or fault.name.startswith("sdcam"):
            raise
        raise MissingError(
            f"This needs {fault.name}, which is not installed.",
            'Run: pip install "streamdiffusion-cam[convert]".',
        ) from None


def convert(arguments: argparse.Namespace) -> int:
    from sdcam.models.registry import find_model

    options = converter("coreml.options").options_from(arguments)
    if arguments.to == "coreml":
        model = find_model(arguments.model)
        if arguments.out is None:
            _refuse_existing(arguments.model, model, options)
        return _to_coreml(model, options, arguments.out)
    if arguments.out or options != type(options)():
        raise UsageError(
            "The CPU's graphs lie in the model's folder and run at every size; --out, --size and "
            "the other options of a bundle are Core ML's.",
            "Leave them out, or add --to coreml.",
        )
    return _to_cpu(find_model(arguments.model))


def _to_cpu(model: ModelFolder) -> int:
    """Writes the CPU engine's graphs into the model's folder."""
    from sdcam.resources import embedded_model

    if model.path == embedded_model():
        raise UsageError(
            f"{model.name} comes with its graphs.",
            f"To check them: sdcam models verify {model.name}.",
        )
    with interruptible("The conversion was interrupted.", "Nothing was changed."):
        converter("cpu").export_cpu(model.path)
    return _agreement(model)


def _refuse_existing(word: str, model: ModelFolder, options: Any) -> None:
    from sdcam.models.registry import bundles_folder

    if (bundles_folder(model) / options.name).exists():
        raise UsageError(
            f"{model.name} has the bundle {options.name} already.",
            f"To make it again, first: sdcam models remove {word} --bundle {options.name}.",
        )


def _to_coreml(model: ModelFolder, options: Any, out: Path | None) -> int:
    from sdcam.models.registry import bundles_folder, origin_of

    coreml = converter("coreml.convert")
    target = out or bundles_folder(model) / options.name
    with interruptible("The conversion was interrupted.", "Nothing of it was kept."):
        coreml.convert_coreml(model, target, options, origin=origin_of(model))
    say(f"To check it: sdcam models verify {target}")
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """
    Returns:
        1 if anything computes something else, else 0.
    """
    from sdcam.models.bundle import CARD
    from sdcam.models.registry import bundles_of, find_model

    path = Path(arguments.model).expanduser()
    if (path / CARD).is_file():
        return _verify_bundle(path, arguments.reference, arguments.json)
    model = find_model(arguments.model)
    bundles = bundles_of(model)
    if arguments.json and len(bundles) != 1:
        raise UsageError(
            f"With --json one bundle is verified; {model.name} has {len(bundles)}.",
            f"Name one: {', '.join(map(str, bundles)) or 'sdcam models convert makes them'}.",
        )
    if not bundles and not model.has_graphs:
        raise MissingError(
            f"Nothing was converted from {model.path} yet.",
            f"Run: sdcam models convert {arguments.model}.",
        )
    results = []
    if model.has_graphs and not arguments.json:
        say(f"{model.path}: graphs for the CPU")
        results.append(_agreement(model))
    for bundle in bundles:
        if not arguments.json:
            say(str(bundle))
        results.append(_verify_bundle(bundle, arguments.reference or model.path, arguments.json))
    return max(results)


def _agreement(model: ModelFolder) -> int:
    """Prints how far the CPU's graphs are from diffusers.

    Returns:
        1 if that is too far, else 0.
    """
    agreement = converter("agreement")
    differences = agreement.cpu_agreement(model)
    for stage, difference in differences.items():
        say(f"{stage:18} {difference:.1e} relative difference from diffusers")
    return int(any(differences[stage] > agreement.TOLERANCE[stage] for stage in differences))


def _verify_bundle(path: Path, reference: Path | None, json: bool) -> int:
    given = argparse.Namespace(bundle=path, reference=reference, json=json)
    with interruptible():
        return int(converter("verify").run(given))
