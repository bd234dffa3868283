"""How a model comes onto this machine: whole and checked, or not at all.

It is gathered in a hidden folder beside the models, `.NAME.COMMIT.part`, and gets its name when
nothing is missing. Files are real files: the CPU engine's graphs refuse links for their weights.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sdcam.errors import MissingError, SdcamError
from sdcam.models.bundle import sha256
from sdcam.models.catalogue import LATEST, TAESD, known
from sdcam.models.folder import ModelFolder
from sdcam.models.hub import PART, AlteredError, HubFile, Listing, download, look_up
from sdcam.models.provenance import Provenance
from sdcam.models.registry import local_name, models_folder
from sdcam.models.selection import (
    TAESD_FILES,
    has_tiny_autoencoder,
    refuse_other_repositories,
    small_files,
    weights,
)

LOCK = ".lock"
_SPARE = 64 << 20  # bytes that stay free on the disk

Wanted = list[tuple[Listing, HubFile, Path]]


@dataclass(frozen=True)
class Offer:
    """What a pull would download, to be shown before it does."""

    name: str
    repo: str
    commit: str
    licence: str
    licence_on_hub: str  # what the model card says today; "" where it says nothing
    size: int  # bytes that are still to come
    folder: Path


def pull(word: str, revision: str | None, agreed: Callable[[Offer], bool]) -> Path | None:
    """
    Args:
        word: a name of the catalogue or a hub id.
        revision: a commit, branch or tag; None takes the catalogue's, or the newest.
        agreed: whether to download what it is shown.

    Returns:
        The model's folder; None where it was not agreed to.

    Raises:
        MissingError: it is not there, cannot be reached, or cannot be run by this program.
        SdcamError: it came otherwise than the hub describes it, or there is no room.
    """
    entry, name = known(word), local_name(word)
    folder = models_folder() / name
    refuse_a_second(folder)
    if entry and entry.obstacle and revision is None:
        raise MissingError(f"The model {name} cannot be downloaded as it is.", entry.obstacle)
    repo = entry.hub if entry else word
    listing = look_up(repo, revision or (entry.revision if entry else LATEST))
    refuse_other_repositories(repo, listing.files)
    part = models_folder() / f".{name}.{listing.commit[:12]}{PART}"
    licence = entry.licence if entry else listing.licence
    with alone(part):
        try:
            wanted = _wanted(listing, part)
            size = sum(file.size - _came(path) for _, file, path in wanted)
            offer = Offer(name, repo, listing.commit, licence, listing.licence, size, folder)
            if not agreed(offer):
                return None
            _refuse_a_full_disk(part, size)
            for source, file, path in wanted:
                download(source, file, path)
            files = {
                path.relative_to(part).as_posix(): file.sha256 or sha256(path)
                for _, file, path in wanted
            }
            origin = Provenance(source=repo, revision=listing.commit, licence=licence, files=files)
            finish(part, folder, origin)
        except AlteredError:
            shutil.rmtree(part)
            raise
        finally:
            if not any(part.rglob(f"*.safetensors{PART}")) and not any(part.rglob("*.safetensors")):
                shutil.rmtree(part, ignore_errors=True)  # nothing to go on from
    return folder


def unfinished(name: str) -> list[Path]:
    """What broken off pulls of a model have left."""
    return [path for path in sorted(models_folder().glob(f".*{PART}")) if _model_of(path) == name]


def unfinished_models() -> list[str]:
    return sorted({_model_of(path) for path in models_folder().glob(f".*{PART}")})


def _model_of(part: Path) -> str:
    """The name in .NAME.COMMIT.part"""
    return part.name[1:].rsplit(".", 2)[0]


def refuse_a_second(folder: Path) -> None:
    """
    Raises:
        SdcamError: there is a model of that name already.
    """
    if folder.exists():
        origin = Provenance.read(folder)
        which = (
            f" ({origin.source} at {origin.revision[:12]})" if origin and origin.revision else ""
        )
        raise SdcamError(
            f"The model {folder.name} is here already{which}.",
            f"To get it anew, first: sdcam models remove {folder.name}.",
        )


@contextmanager
def alone(part: Path) -> Iterator[None]:
    """Makes the folder that a model is gathered in, and keeps other pulls out of it.

    Raises:
        SdcamError: another one is at work there, or the folder cannot be made.
    """
    try:
        part.mkdir(parents=True, exist_ok=True)
        lock = (part / LOCK).open("w")
    except OSError as fault:
        raise SdcamError(
            f"{fault.filename} cannot be made ({fault.strerror}).", "Check its permissions."
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SdcamError(
                f"Another pull is at work in {part}.", "Wait until it has ended."
            ) from None
        yield


def finish(part: Path, folder: Path, origin: Provenance) -> None:
    """Gives a gathered model its name, if it can be run.

    Raises:
        MissingError: it cannot; nothing is left.
    """
    (part / LOCK).unlink()
    origin.write(part)
    try:
        ModelFolder.open(part)
    except MissingError as fault:
        shutil.rmtree(part)
        what = fault.what.replace(str(part), origin.source)
        raise MissingError(f"{what} Nothing of it was kept.", fault.todo) from None
    part.rename(folder)
    for other in unfinished(folder.name):
        shutil.rmtree(other)


def _wanted(listing: Listing, part: Path) -> Wanted:
    """The files to fetch. Only the autoencoder's own configuration tells whether it is a tiny one,
    so that is fetched here already."""
    names = [*small_files(listing.files)]
    names += [weights(listing.repo, listing.files, folder) for folder in ("text_encoder", "unet")]
    config = part / "vae" / "config.json"
    download(listing, listing.files["vae/config.json"], config)
    tiny = has_tiny_autoencoder(listing.repo, config)
    if tiny:
        names.append(weights(listing.repo, listing.files, "vae"))
    wanted = [(listing, listing.files[name], part / name) for name in names]
    return wanted if tiny else wanted + _taesd(part / "taesd")


def _taesd(folder: Path) -> Wanted:
    listing = look_up(TAESD.hub, TAESD.revision)
    for name in TAESD_FILES:
        if name not in listing.files:
            raise MissingError(f"{TAESD.hub} has no {name}.", "Is HF_ENDPOINT a whole mirror?")
    return [(listing, listing.files[name], folder / name) for name in TAESD_FILES]


def _came(path: Path) -> int:
    """Bytes of a file that an earlier pull has brought."""
    for name in (path, path.with_name(path.name + PART)):
        if name.is_file():
            return name.stat().st_size
    return 0


def _refuse_a_full_disk(part: Path, size: int) -> None:
    free = shutil.disk_usage(part).free
    if free < size + _SPARE:
        raise SdcamError(
            f"The disk with {part.parent} has {free / 1e9:.1f} GB free; "
            f"{size / 1e9:.1f} GB are still to come.",
            "Make room and pull again.",
        )
