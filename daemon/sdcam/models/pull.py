"""How a model comes onto this machine, from the hub or from a folder: whole and checked, or not at
all.

It is gathered in a hidden folder beside the models, `.NAME.COMMIT.part`, and gets its name when
nothing is missing. Files are real files: the CPU engine's graphs refuse links for their weights.
"""

from __future__ import annotations

import errno
import fcntl
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from sdcam.errors import MissingError, SdcamError
from sdcam.models.bundle import sha256
from sdcam.models.catalogue import LATEST, TAESD, Provenance, known
from sdcam.models.files import (
    GRAPHS,
    TAESD_FILES,
    has_tiny_autoencoder,
    model_files,
    refuse_other_repositories,
)
from sdcam.models.folder import ModelFolder
from sdcam.models.hub import PART, AlteredError, HubFile, Listing, download, look_up
from sdcam.models.registry import local_name, models_folder

_LOCK = ".lock"
_SPARE = 64 << 20  # bytes that stay free on the disk
_ENDS = (signal.SIGTERM, signal.SIGHUP)  # `kill`, and a terminal that was closed

Wanted = list[tuple[Listing, HubFile, Path]]


@dataclass(frozen=True)
class Offer:
    """What a pull would download; the user sees it first."""

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
        agreed: whether to download this offer.

    Returns:
        The model's folder; None if `agreed` said no.

    Raises:
        MissingError: it does not exist, cannot be reached, or cannot run here.
        SdcamError: a file is not what the hub describes, or there is no room.
    """
    entry, name = known(word), local_name(word)
    folder = models_folder() / name
    _refuse_a_second(folder)
    if entry and entry.obstacle and revision is None:
        raise MissingError(f"The model {name} cannot be downloaded as it is.", entry.obstacle)
    repo = entry.hub if entry else word
    listing = look_up(repo, revision or (entry.revision if entry else LATEST))
    refuse_other_repositories(repo, listing.files)
    part = models_folder() / f".{name}.{listing.commit[:12]}{PART}"
    licence = entry.licence if entry else listing.licence
    with _alone(part):
        try:
            wanted = _wanted(listing, part)
            size = sum(file.size - _bytes_here(path) for _, file, path in wanted)
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
            _finish(part, folder, origin)
        except AlteredError:
            shutil.rmtree(part)
            raise
        finally:
            if not any(part.rglob(f"*.safetensors{PART}")) and not any(part.rglob("*.safetensors")):
                shutil.rmtree(part, ignore_errors=True)  # nothing to resume from
    return folder


def copy_in(word: str, source: Path) -> Path:
    """Copies what a model needs from a diffusers folder, and checks it as after a download. For
    machines that have no network.

    Where the folder was pulled on another machine, its files are checked by the hashes that were
    recorded there. Links are followed: snapshots of a Hugging Face cache can be given.

    Raises:
        MissingError: it is no model that this program runs, or a file has another hash.
        SdcamError: it cannot be written; nothing is left.
    """
    name = local_name(word)
    folder = models_folder() / name
    _refuse_a_second(folder)
    if not source.is_dir():
        raise MissingError(f"There is no folder {source}.", "Correct --from.")
    found = (*source.glob("*"), *source.glob("*/*"))
    names = {path.relative_to(source).as_posix() for path in found if path.is_file()}
    refuse_other_repositories(str(source), names)
    chosen = _chosen(source, names)
    recorded = Provenance.read(source) or Provenance(source=str(source))
    entry = known(word)
    part = models_folder() / f".{name}.copy{PART}"
    with termination_interrupts(), _alone(part):
        try:
            _empty(part)
            files = {}
            for path in chosen:
                files[path] = _copy(source / path, part / path, recorded.files.get(path))
            licence = recorded.licence or (entry.licence if entry else "")
            origin = replace(recorded, files=files, licence=licence)
            _finish(part, folder, origin)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return folder


def unfinished(name: str) -> list[Path]:
    """Folders that interrupted pulls of a model have left."""
    return [path for path in sorted(models_folder().glob(f".*{PART}")) if _model_of(path) == name]


def unfinished_models() -> list[str]:
    return sorted({_model_of(path) for path in models_folder().glob(f".*{PART}")})


def _model_of(part: Path) -> str:
    """The name in .NAME.COMMIT.part"""
    return part.name[1:].rsplit(".", 2)[0]


def _refuse_a_second(folder: Path) -> None:
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
            f"To get it again, first: sdcam models remove {folder.name}.",
        )


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Creates the folder in which a model is gathered, and keeps other pulls out of it.

    Raises:
        SdcamError: another one is at work there, or the folder cannot be made.
    """
    try:
        part.mkdir(parents=True, exist_ok=True)
        lock = (part / _LOCK).open("w")
    except OSError as fault:
        raise SdcamError(
            f"{fault.filename} cannot be created ({fault.strerror}).", "Check its permissions."
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SdcamError(
                f"Another pull is running in {part}.", "Wait until it has ended."
            ) from None
        yield


def _finish(part: Path, folder: Path, origin: Provenance) -> None:
    """Gives a gathered model its name, if it can be run.

    Raises:
        MissingError: it cannot; nothing is left.
    """
    (part / _LOCK).unlink()
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
    """The files to fetch. Fetches the autoencoder's configuration, which tells whether it is a tiny
    one."""
    config = part / "vae" / "config.json"
    download(listing, listing.files["vae/config.json"], config)
    tiny = has_tiny_autoencoder(listing.repo, config)
    names = model_files(listing.repo, listing.files, tiny)
    wanted = [(listing, listing.files[name], part / name) for name in names]
    return wanted if tiny else wanted + _taesd(part / "taesd")


def _taesd(folder: Path) -> Wanted:
    listing = look_up(TAESD.hub, TAESD.revision)
    for name in TAESD_FILES:
        if name not in listing.files:
            raise MissingError(
                f"{TAESD.hub} has no {name}.", "Check that HF_ENDPOINT is a complete mirror."
            )
    return [(listing, listing.files[name], folder / name) for name in TAESD_FILES]


def _bytes_here(path: Path) -> int:
    """Bytes of a file that an earlier pull has downloaded."""
    for name in (path, path.with_name(path.name + PART)):
        if name.is_file():
            return name.stat().st_size
    return 0


def _refuse_a_full_disk(part: Path, size: int) -> None:
    free = shutil.disk_usage(part).free
    if free < size + _SPARE:
        raise SdcamError(
            f"The disk with {part.parent} has {free / 1e9:.1f} GB free; "
            f"{size / 1e9:.1f} GB remain to be downloaded.",
            "Make room and pull again.",
        )


def _chosen(source: Path, names: set[str]) -> list[str]:
    """The files to copy: what a pull would fetch, and the graphs."""
    has_tiny = has_tiny_autoencoder(str(source), source / "vae" / "config.json")
    chosen = model_files(str(source), names, has_tiny) + [name for name in GRAPHS if name in names]
    if has_tiny:
        return chosen
    tiny = [f"taesd/{name}" for name in TAESD_FILES]
    if not names.issuperset(tiny):
        raise MissingError(
            f"{source} has a large autoencoder, which is too slow for video, and no tiny one.",
            f"Put {' and '.join(TAESD_FILES)} of {TAESD.hub} into {source / 'taesd'}.",
        )
    return chosen + tiny


def _empty(part: Path) -> None:
    """Removes what a killed copy has left: it may have been of another folder."""
    for entry in part.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != _LOCK:
            entry.unlink()


def _copy(source: Path, target: Path, expected: str | None) -> str:
    """Returns the SHA-256 of what was written."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    except OSError as fault:
        full = fault.errno in (errno.ENOSPC, errno.EDQUOT)
        raise SdcamError(
            "The disk is full; the model was not copied."
            if full
            else f"{fault.filename} cannot be copied ({fault.strerror}).",
            "Make room and try again." if full else "Check its permissions.",
        ) from None
    digest = sha256(target)
    if expected is not None and digest != expected:
        raise MissingError(
            f"The file {source} is not what was pulled (expected SHA-256 {expected}).",
            "Copy the folder again from the machine where it was pulled.",
        )
    return digest


@contextmanager
def termination_interrupts() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does, so that work that takes
    minutes can clean up. Once: a second signal would break off the cleaning up. A signal that was
    ignored (nohup) stays ignored. Outside of the main thread it does nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in usual:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    usual = {each: signal.getsignal(each) for each in _ENDS}
    usual = {each: handler for each, handler in usual.items() if handler == signal.SIG_DFL}
    try:
        for each in usual:
            signal.signal(each, interrupt)
        yield
    finally:
        for each, handler in usual.items():
            signal.signal(each, handler)
