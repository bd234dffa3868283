"""`sdcam models`: what can be run, where it lies, and how it comes and goes."""

from __future__ import annotations

import argparse
import shutil
from typing import TYPE_CHECKING

from sdcam.cli import models_convert, models_pull, models_verify
from sdcam.errors import MissingError, SdcamError, UsageError

if TYPE_CHECKING:
    from sdcam.models import ModelFolder


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    parser.set_defaults(run=list_models)
    actions = parser.add_subparsers(metavar="ACTION")
    text = "list the models, and those that can be pulled (the default)"
    actions.add_parser("list", help=text, description=text).set_defaults(run=list_models)
    models_pull.configure(actions)
    models_convert.configure(actions)
    models_verify.configure(actions)
    text = "delete a pulled model and what was converted from it"
    remove = actions.add_parser("remove", help=text, description=text)
    remove.add_argument("model", metavar="NAME", help="as `sdcam models list` shows it")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    remove.set_defaults(run=remove_model)


def list_models(arguments: argparse.Namespace) -> None:
    from sdcam.models import find_model
    from sdcam.models.catalogue import CATALOGUE
    from sdcam.models.registry import automatic, installed_models, models_folder
    from sdcam.models.size import in_words

    names = installed_models()
    width = max(len(name) for name in (*names, *(model.name for model in CATALOGUE)))
    for name in names:
        mark = "*" if name == automatic() else " "
        try:
            print(f"{mark} {name:<{width}}  {_about(find_model(name))}")
        except SdcamError as fault:
            print(f"{mark} {name:<{width}}  cannot be run: {fault}")
    print(f'"*" is what "auto" takes. Models lie in {models_folder()}, or are named by their path.')
    others = [model for model in CATALOGUE if model.name not in names]
    if others:
        print("\nTo be had with `sdcam models pull NAME`, or any hub id of the same family:")
    for model in others:
        size = in_words(model.size) if model.size else ""
        print(f"  {model.name:<{width}}  {size:>6}  {model.licence:<22}  {model.about}")


def remove_model(arguments: argparse.Namespace) -> None:
    from sdcam.cli.question import agreed
    from sdcam.models.pull import unfinished
    from sdcam.models.registry import EMBEDDED, is_name, local_name, models_folder
    from sdcam.models.size import bytes_of, in_words

    name = local_name(arguments.model)
    if name == EMBEDDED:
        raise UsageError(f"{name} is part of the program.", "Only pulled models can be removed.")
    if not is_name(name):
        raise UsageError(f'"{arguments.model}" is no name of a model.', "See: sdcam models list.")
    folder = models_folder() / name
    going = [path for path in (folder, *unfinished(name)) if path.is_dir()]
    if not going:
        raise MissingError(f"There is no model {folder}.", "See: sdcam models list.")
    size = in_words(sum(bytes_of(path) for path in going))
    if not agreed(f"Delete {' and '.join(map(str, going))} ({size})?", arguments.yes):
        return
    for path in going:
        if path.is_symlink():
            path.unlink()  # what it leads to is the user's own
        else:
            shutil.rmtree(path)
    print(f"{name} is removed: {size}.")


def _about(model: ModelFolder) -> str:
    """Size, what it is ready for, licence, place."""
    from sdcam.models.bundle import Bundle
    from sdcam.models.registry import bundles_of, origin_of
    from sdcam.models.size import bytes_of, in_words

    ready = ["cpu"] if model.has_graphs else []
    for path in bundles_of(model):
        try:
            card = Bundle.open(path).card
            ready.append(f"coreml {card.width}x{card.height} {'+'.join(card.layouts)}")
        except SdcamError:
            ready.append(f"coreml {path.name}: damaged")
    columns = (
        f"{in_words(bytes_of(model.path)):>6}",
        ", ".join(ready) or "torch only",
        origin_of(model).licence,
        str(model.path),
    )
    return "  ".join(column for column in columns if column)
