"""`sdcam models remove`: a model with all that was made of it, or one of its bundles."""

from __future__ import annotations

import argparse
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sdcam.errors import MissingError, UsageError

if TYPE_CHECKING:
    from sdcam.cli.models_pull import Actions


def configure(actions: Actions[argparse.ArgumentParser]) -> None:
    text = "delete a pulled model and what was converted from it, or one bundle of a model"
    parser = actions.add_parser("remove", help=text, description=text)
    parser.add_argument("model", metavar="NAME", help="as `sdcam models list` shows it")
    parser.add_argument(
        "--bundle", metavar="BUNDLE", help="only this one of its bundles, as `list` shows it"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(run=remove)


def remove(arguments: argparse.Namespace) -> None:
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
        raise UsageError(f'"{word}" is no name of a model.', "See: sdcam models list.")
    folder = models_folder() / name
    going = [path for path in (folder, *unfinished(name)) if path.is_dir()]
    if not going:
        raise MissingError(
            f'There is no model "{name}" in {models_folder()}.', "See: sdcam models list."
        )
    _delete(name, going, yes)


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

    folder = models_folder() / local_name(word) / BUNDLES  # whether or not its checkpoint is there
    if not is_name(word) or not folder.is_dir():
        folder = bundles_folder(find_model(word))
    there = {path.name: path for path in bundles_in(folder)}
    if bundle not in there:
        raise MissingError(
            f'{word} has no bundle "{bundle}".',
            f"It has: {', '.join(there)}." if there else "It has none: see sdcam models list.",
        )
    _delete(f"{word}: {bundle}", [there[bundle]], yes)
    for path in (folder, folder.parent):  # of the embedded model, nothing else lies there
        with suppress(OSError):
            path.rmdir()


def _delete(what: str, going: list[Path], yes: bool) -> None:
    from sdcam.cli.question import agreed
    from sdcam.models.registry import bytes_of, in_words

    size = in_words(sum(bytes_of(path) for path in going))
    if not agreed(f"Delete {' and '.join(map(str, going))} ({size})?", yes):
        return
    for path in going:
        if path.is_symlink():
            path.unlink()  # what it leads to is the user's own
        else:
            shutil.rmtree(path)
    print(f"{what} is removed: {size}.")
