"""`sdcam models`: what can be run, where it lies, and how it comes and goes."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
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
    from sdcam.models.registry import automatic, installed_models, models_folder
    from sdcam.models.size import bytes_of, in_words

    names = installed_models()
    rows = [
        (("* " if name == automatic() and not row else "  ") + (row or name), about)
        for name in names
        for row, about in _model(name)
    ]
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


def _model(name: str) -> list[tuple[str, str]]:
    """Names and what there is to say of them: the model itself (""), then each of its bundles."""
    from sdcam.models import find_model
    from sdcam.models.registry import BUNDLES, bundles_folder, bundles_in, models_folder, origin_of
    from sdcam.models.size import bytes_of, in_words

    try:
        model = find_model(name)
    except SdcamError as fault:
        folder = models_folder() / name
        alone = [path.name for path in folder.iterdir()] == [BUNDLES]
        about = "bundles only" if alone else f"cannot be run: {fault}"
        return [("", about), *_bundles(bundles_in(folder / BUNDLES))]
    bundles = bundles_in(bundles_folder(model))
    ready = ["cpu"] if model.has_graphs else []
    ready += ["coreml"] if bundles else []
    size = bytes_of(model.path)
    if bundles_folder(model).parent == model.path:
        size -= bytes_of(bundles_folder(model))
    engines = ", ".join(ready) or "torch only"
    about = f"{in_words(size):>6}  {origin_of(model).licence:<22}  {engines}"
    return [("", about), *_bundles(bundles)]


def _bundles(paths: Iterable[Path]) -> Iterator[tuple[str, str]]:
    from sdcam.models.bundle import Bundle
    from sdcam.models.size import bytes_of, in_words

    for path in paths:
        about = "bundle for Core ML"
        try:
            Bundle.open(path)
        except SdcamError as fault:
            about = str(fault)
        yield f"  {path.name}", f"{in_words(bytes_of(path)):>6}  {about}"
