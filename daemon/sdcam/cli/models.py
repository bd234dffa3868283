"""`sdcam models`: what can be run, where it lies, and how it comes and goes."""

from __future__ import annotations

import argparse
from pathlib import Path

from sdcam.cli import models_convert, models_pull, models_remove, models_verify
from sdcam.errors import SdcamError


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    parser.set_defaults(run=list_models)
    actions = parser.add_subparsers(metavar="ACTION")
    text = "list the models, and those that can be pulled (the default)"
    actions.add_parser("list", help=text, description=text).set_defaults(run=list_models)
    models_pull.configure(actions)
    models_convert.configure(actions)
    models_verify.configure(actions)
    models_remove.configure(actions)


def list_models(arguments: argparse.Namespace) -> None:
    from sdcam.models.catalogue import CATALOGUE
    from sdcam.models.pull import unfinished, unfinished_models
    from sdcam.models.registry import automatic, bytes_of, in_words, installed_models, models_folder

    names, rows = installed_models(), []
    for name in names:
        about, bundles = _about(name)
        rows.append((f"{'*' if name == automatic() else ' '} {name}", about))
        rows += [(f"    {path.name}", _about_bundle(path)) for path in bundles]
    for name in unfinished_models():
        size = in_words(sum(bytes_of(path) for path in unfinished(name)))
        rows.append((f"  {name}", f"{size:>6}  not whole: sdcam models pull goes on"))
    others = [
        (
            f"  {model.name}",
            f"{in_words(model.size) if model.size else '':>6}  {model.licence:<22}  {model.about}",
        )
        for model in CATALOGUE
        if model.name not in names
    ]
    width = max(len(name) for name, _ in rows + others)
    print(f"Models in {models_folder()}:\n")
    for name, about in rows:
        print(f"{name:<{width}}  {about}")
    print('\n"*" is what "auto" takes. A folder elsewhere is named by its path: ./folder.')
    if others:
        print("\nTo be had with `sdcam models pull NAME`, or any hub id of the same family:\n")
    for name, about in others:
        print(f"{name:<{width}}  {about}")


def _about(name: str) -> tuple[str, tuple[Path, ...]]:
    """Size, licence and engines of a model; and its bundles."""
    from sdcam.models import find_model
    from sdcam.models.registry import (
        BUNDLES,
        bundles_folder,
        bundles_in,
        bytes_of,
        in_words,
        models_folder,
        origin_of,
    )

    try:
        model = find_model(name)
    except SdcamError as fault:
        folder = models_folder() / name
        alone = folder.is_dir() and [path.name for path in folder.iterdir()] == [BUNDLES]
        return "bundles only" if alone else f"cannot be run: {fault}", bundles_in(folder / BUNDLES)
    bundles = bundles_in(bundles_folder(model))
    ready = ["cpu"] if model.has_graphs else []
    ready += ["coreml"] if bundles else []
    size = bytes_of(model.path)
    if bundles_folder(model).parent == model.path:
        size -= bytes_of(bundles_folder(model))
    engines = ", ".join(ready) or "torch only"
    return f"{in_words(size):>6}  {origin_of(model).licence:<22}  {engines}", bundles


def _about_bundle(path: Path) -> str:
    from sdcam.models.bundle import Bundle
    from sdcam.models.registry import bytes_of, in_words

    about = "bundle for Core ML"
    try:
        Bundle.open(path)
    except SdcamError as fault:
        about = str(fault)
    return f"{in_words(bytes_of(path)):>6}  {about}"
