"""`sdcam models pull`: a model from the hub, or from a folder of this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sdcam.errors import MissingError, SdcamError, UsageError

if TYPE_CHECKING:
    from sdcam.models.pull import Offer

Actions = argparse._SubParsersAction  # argparse has no public name for it


def configure(actions: Actions[argparse.ArgumentParser]) -> None:
    text = "download a model; goes on where an earlier pull broke off"
    parser = actions.add_parser("pull", help=text, description=text)
    parser.add_argument(
        "model", metavar="NAME", help="of `sdcam models list`, or a hub id: owner/name"
    )
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="DIR",
        help="copy it from this diffusers folder, for machines without a network",
    )
    parser.add_argument("--revision", metavar="REV", help="commit, branch or tag on the hub")
    parser.add_argument("--yes", action="store_true", help="agree to the licence beforehand")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from sdcam.models.catalogue import CATALOGUE, known
    from sdcam.models.registry import EMBEDDED, is_name

    word = arguments.model
    if word in (EMBEDDED, "auto"):
        raise UsageError(f'"{word}" needs no download.', "See: sdcam models list.")
    if arguments.source and arguments.revision:
        raise UsageError("--revision is of the hub, --from of this machine.", "Give one of them.")
    if not is_name(word):
        raise UsageError(
            f'"{word}" is no name of a model.', "Give a name of `sdcam models list` or owner/name."
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

    try:
        folder = pull(word, revision, lambda offer: _agreed(offer, yes))
    except KeyboardInterrupt:
        raise SdcamError(
            "The pull was interrupted.", f"What has come stays: sdcam models pull {word} goes on."
        ) from None
    if folder:
        _tell_what_next(folder)


def _copy(word: str, source: Path) -> None:
    from sdcam.models.catalogue import Provenance
    from sdcam.models.pull import copy_in

    try:
        folder = copy_in(word, source)
    except KeyboardInterrupt:
        raise SdcamError("The copy was interrupted.", "Nothing of it was kept.") from None
    _tell_licence((Provenance.read(folder) or Provenance(source="")).licence)
    _tell_what_next(folder)


def _agreed(offer: Offer, yes: bool) -> bool:
    from sdcam.cli.question import agreed
    from sdcam.models.registry import in_words

    print(f"{offer.name}: {offer.repo} at {offer.commit}, to {offer.folder}")
    _tell_licence(offer.licence)
    if offer.licence_on_hub not in ("", "other", offer.licence):
        print(f'The model card calls it "{offer.licence_on_hub}" now: look whether it has changed.')
    return agreed(f"Download {in_words(offer.size)} under these terms?", yes)


def _tell_licence(licence: str) -> None:
    from sdcam.models.catalogue import TERMS

    if licence in TERMS:
        print(f"Licence: {TERMS[licence]}")
    elif licence:
        print(f'Licence: the model card calls it "{licence}"; read it there.')
    else:
        print("Licence: none is stated; ask whoever made it.")


def _tell_what_next(folder: Path) -> None:
    from sdcam.models import ModelFolder

    print(folder)
    if sys.platform == "darwin" or not ModelFolder.open(folder).has_graphs:
        print(f"To make it ready for this machine: sdcam models convert {folder.name}")
