"""`sdcam models verify`: whether what was converted still computes what the checkpoint does."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sdcam.cli.converters import converter
from sdcam.cli.models_convert import agreement
from sdcam.errors import MissingError, UsageError

if TYPE_CHECKING:
    from sdcam.cli.models_pull import Actions


def configure(actions: Actions[argparse.ArgumentParser]) -> None:
    text = "compare what was converted with the checkpoint, stage by stage"
    parser = actions.add_parser("verify", help=text, description=text)
    parser.add_argument(
        "model", metavar="NAME-or-BUNDLE", help="a model with all that was made of it, or a bundle"
    )
    converter("verify").add_options(parser)
    parser.set_defaults(run=verify)


def verify(arguments: argparse.Namespace) -> int:
    """
    Returns:
        1 where something computes something else, else 0.
    """
    from sdcam.models.bundle import CARD
    from sdcam.models.registry import bundles_of, find_model

    path = Path(arguments.model).expanduser()
    if (path / CARD).is_file():
        return _bundle(path, arguments.reference, arguments.json)
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
        print(f"{model.path}: graphs for the CPU")
        results.append(agreement(model))
    for bundle in bundles:
        if not arguments.json:
            print(f"{bundle}")
        results.append(_bundle(bundle, arguments.reference or model.path, arguments.json))
    return max(results)


def _bundle(path: Path, reference: Path | None, json: bool) -> int:
    given = argparse.Namespace(bundle=path, reference=reference, json=json)
    return int(converter("verify").run(given))
