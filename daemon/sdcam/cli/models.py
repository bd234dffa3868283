"""`sdcam models`: what can be run, where it is, and how it comes and goes."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sdcam.cli import models_convert
from sdcam.cli.terminal import agreed, interruptible, say, table
from sdcam.errors import MissingError, SdcamError, UsageError

if TYPE_CHECKING:
    from sdcam.models.pull import Offer


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    parser.set_defaults(run=list_models)
    actions = parser.add_subparsers(metavar="ACTION")
    text = "list the models, and those that can be pulled (the default)"
    actions.add_parser("list", help=text, description=text).set_defaults(run=list_models)

    text = "download a model; continues where an earlier pull was interrupted"
    pull = actions.add_parser("pull", help=text, description=text)
    pull.add_argument(
        "model", metavar="NAME", help="of `sdcam models list`, or a hub id: owner/name"
    )
    pull.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="DIR",
        help="copy it from this diffusers folder, for machines without a network",
    )
    pull.add_argument("--revision", metavar="REV", help="commit, branch or tag on the hub")
    pull.add_argument("--yes", action="store_true", help="agree to the licence beforehand")
    pull.set_defaults(run=pull_model)

    models_convert.configure(actions)

    text = "delete a pulled model and what was converted from it, or one bundle of a model"
    remove = actions.add_parser("remove", help=text, description=text)
    remove.add_argument("model", metavar="NAME", help="as `sdcam models list` shows it")
    remove.add_argument(
        "--bundle", metavar="BUNDLE", help="only this one of its bundles, as `list` shows it"
    )
    remove.add_argument("--yes", action="store_true", help="do not ask")
    remove.set_defaults(run=remove_model)


def list_models(arguments: argparse.Namespace) -> None:
    from sdcam.models.registry import installed_models, models_folder

    names = installed_models()
    here = [row for name in names for row in _rows_of(name)]
    here += _unfinished_rows()
    others = list(_catalogue_rows(names))
    say(f"Models in {models_folder()}:\n")
    table(here, right=(1,))
    say('\n"*" is what "auto" takes. A folder elsewhere is named by its path: ./folder.')
    if others:
        say("\nAvailable with `sdcam models pull NAME`, or by any hub id of the same family:\n")
        table(others, right=(1,))


def _rows_of(name: str) -> Iterator[tuple[str, ...]]:
    """A model with its size, licence and engines, then its bundles."""
    from sdcam.models import find_model
    from sdcam.models.bundle import Bundle
    from sdcam.models.registry import (
        BUNDLES,
        automatic,
        bundles_folder,
        bundles_in,
        bytes_of,
        in_words,
        models_folder,
        origin_of,
    )

    title = f"{'*' if name == automatic() else ' '} {name}"
    try:
        model = find_model(name)
    except SdcamError as fault:
        folder = models_folder() / name
        only_bundles = folder.is_dir() and [path.name for path in folder.iterdir()] == [BUNDLES]
        yield title, "bundles only" if only_bundles else f"cannot be run: {fault}"
        bundles = bundles_in(folder / BUNDLES)
    else:
        bundles = bundles_in(bundles_folder(model))
        size = bytes_of(model.path)
        if bundles_folder(model).parent == model.path:
            size -= bytes_of(bundles_folder(model))
        engines = [*["cpu"] * model.has_graphs, *["coreml"] * bool(bundles)] or ["torch only"]
        yield title, in_words(size), origin_of(model).licence, ", ".join(engines)
    for path in bundles:
        about = "bundle for Core ML"
        try:
            Bundle.open(path)
        except SdcamError as fault:
            about = str(fault)
        yield f"    {path.name}", in_words(bytes_of(path)), about


def _unfinished_rows() -> Iterator[tuple[str, ...]]:
    from sdcam.models.pull import unfinished, unfinished_models
    from sdcam.models.registry import bytes_of, in_words

    for name in unfinished_models():
        size = in_words(sum(bytes_of(path) for path in unfinished(name)))
        yield f"  {name}", size, "not whole: sdcam models pull goes on"


def _catalogue_rows(here: Sequence[str]) -> Iterator[tuple[str, ...]]:
    from sdcam.models.catalogue import CATALOGUE
    from sdcam.models.registry import in_words

    for model in CATALOGUE:
        if model.name not in here:
            size = in_words(model.size) if model.size else ""
            yield f"  {model.name}", size, model.licence, model.about


def pull_model(arguments: argparse.Namespace) -> None:
    from sdcam.models.catalogue import CATALOGUE, known
    from sdcam.models.registry import EMBEDDED, is_name

    word = arguments.model
    if word in (EMBEDDED, "auto"):
        raise UsageError(f'"{word}" needs no download.', "See: sdcam models list.")
    if arguments.source and arguments.revision:
        raise UsageError(
            "--revision is a commit on the hub, --from a folder of this machine.",
            "Give one of them.",
        )
    if not is_name(word):
        raise UsageError(
            f'"{word}" is not the name of a model.',
            "Give a name of `sdcam models list` or owner/name.",
        )
    if arguments.source:
        _copy(word, arguments.source.expanduser())
    elif known(word) is None and "/" not in word:
        names = ", ".join(model.name for model in CATALOGUE)
        raise MissingError(
            f'No model is known as "{word}".', f"Known are: {names}; others are owner/name."
        )
    else:
        _download(word, arguments.revision, arguments.yes)


def _download(word: str, revision: str | None, yes: bool) -> None:
    from sdcam.models.pull import pull

    with interruptible(
        "The pull was interrupted.", f"What has come stays: sdcam models pull {word} goes on."
    ):
        folder = pull(word, revision, lambda offer: _agreed(offer, yes))
    if folder:
        _say_next_step(folder)


def _copy(word: str, source: Path) -> None:
    from sdcam.models.catalogue import Provenance
    from sdcam.models.pull import copy_in

    with interruptible("The copy was interrupted.", "Nothing of it was kept."):
        folder = copy_in(word, source)
    _say_licence((Provenance.read(folder) or Provenance(source="")).licence)
    _say_next_step(folder)


def _agreed(offer: Offer, yes: bool) -> bool:
    from sdcam.models.registry import in_words

    say(f"{offer.name}: {offer.repo} at {offer.commit}, to {offer.folder}")
    _say_licence(offer.licence)
    if offer.licence_on_hub not in ("", "other", offer.licence):
        say(f'The model card calls it "{offer.licence_on_hub}" now: check whether it has changed.')
    return agreed(f"Download {in_words(offer.size)} under these terms?", yes)


def _say_licence(licence: str) -> None:
    from sdcam.models.catalogue import TERMS

    if licence in TERMS:
        say(f"Licence: {TERMS[licence]}")
    elif licence:
        say(f'Licence: the model card calls it "{licence}"; read it there.')
    else:
        say("Licence: none is stated; ask whoever made it.")


def _say_next_step(folder: Path) -> None:
    from sdcam.models import ModelFolder

    say(str(folder))
    if sys.platform == "darwin" or not ModelFolder.open(folder).has_graphs:
        say(f"To make it ready for this machine: sdcam models convert {folder.name}")


def remove_model(arguments: argparse.Namespace) -> None:
    if arguments.bundle is None:
        _remove_model(arguments.model, arguments.yes)
    else:
        _remove_bundle(arguments.model, arguments.bundle, arguments.yes)


def _remove_model(word: str, yes: bool) -> None:
    from sdcam.models.pull import unfinished
    from sdcam.models.registry import EMBEDDED, is_name, local_name, models_folder

    name = local_name(word)
    if name == EMBEDDED:
        raise UsageError(
            f"{name} is part of the program.",
            "Only pulled models can be removed, and bundles with --bundle BUNDLE.",
        )
    if not is_name(word):
        raise UsageError(f'"{word}" is not the name of a model.', "See: sdcam models list.")
    folder = models_folder() / name
    folders = [path for path in (folder, *unfinished(name)) if path.is_dir()]
    if not folders:
        raise MissingError(
            f'There is no model "{name}" in {models_folder()}.', "See: sdcam models list."
        )
    _delete(name, folders, yes)


def _remove_bundle(word: str, bundle: str, yes: bool) -> None:
    from sdcam.models.registry import (
        BUNDLES,
        bundles_folder,
        bundles_in,
        find_model,
        is_name,
        local_name,
        models_folder,
    )

    folder = models_folder() / local_name(word) / BUNDLES  # even if the checkpoint is gone
    if not is_name(word) or not folder.is_dir():
        folder = bundles_folder(find_model(word))
    there = {path.name: path for path in bundles_in(folder)}
    if bundle not in there:
        raise MissingError(
            f'{word} has no bundle "{bundle}".',
            f"It has: {', '.join(there)}." if there else "It has none: see sdcam models list.",
        )
    _delete(f"{word}: {bundle}", [there[bundle]], yes)
    for path in (folder, folder.parent):  # nothing else is there for the embedded model
        with suppress(OSError):
            path.rmdir()


def _delete(what: str, folders: list[Path], yes: bool) -> None:
    from sdcam.models.registry import bytes_of, in_words

    size = in_words(sum(bytes_of(path) for path in folders))
    if not agreed(f"Delete {' and '.join(map(str, folders))} ({size})?", yes):
        return
    for path in folders:
        if path.is_symlink():
            path.unlink()  # the folder that it points to belongs to the user
        else:
            shutil.rmtree(path)
    say(f"{what} is removed: {size}.")
