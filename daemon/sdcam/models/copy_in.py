"""A model from a folder of this machine, for machines that have no network."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from sdcam.errors import MissingError, SdcamError
from sdcam.models.bundle import sha256
from sdcam.models.catalogue import TAESD, known
from sdcam.models.hub import PART
from sdcam.models.interruption import termination_interrupts
from sdcam.models.provenance import Provenance
from sdcam.models.pull import LOCK, alone, finish, refuse_a_second
from sdcam.models.registry import local_name, models_folder
from sdcam.models.selection import (
    GRAPHS,
    TAESD_FILES,
    has_tiny_autoencoder,
    refuse_other_repositories,
    small_files,
    weights,
)


def copy_in(word: str, source: Path) -> Path:
    """Copies what a model needs from a diffusers folder, and checks it as after a download.

    Where the folder was pulled on another machine, its files are checked by the hashes that were
    recorded there. Links are followed: snapshots of a Hugging Face cache can be given.

    Raises:
        MissingError: it is no model that this program runs, or not what was recorded.
        SdcamError: it cannot be written; nothing is left.
    """
    name = local_name(word)
    folder = models_folder() / name
    refuse_a_second(folder)
    if not source.is_dir():
        raise MissingError(f"There is no folder {source}.", "Correct --from.")
    found = (*source.glob("*"), *source.glob("*/*"))
    names = {path.relative_to(source).as_posix() for path in found if path.is_file()}
    refuse_other_repositories(str(source), names)
    chosen = _chosen(source, names)
    recorded = Provenance.read(source) or Provenance(source=str(source))
    entry = known(word)
    part = models_folder() / f".{name}.copy{PART}"
    with termination_interrupts(), alone(part):
        try:
            _empty(part)
            files = {}
            for path in chosen:
                files[path] = _copy(source / path, part / path, recorded.files.get(path))
            licence = recorded.licence or (entry.licence if entry else "")
            origin = recorded.model_copy(update={"files": files, "licence": licence})
            finish(part, folder, origin)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return folder


def _chosen(source: Path, names: set[str]) -> list[str]:
    repo = str(source)
    chosen = [*small_files(names), *(name for name in GRAPHS if name in names)]
    chosen += [weights(repo, names, folder) for folder in ("text_encoder", "unet")]
    if has_tiny_autoencoder(repo, source / "vae" / "config.json"):
        return [*chosen, weights(repo, names, "vae")]
    tiny = [f"taesd/{name}" for name in TAESD_FILES]
    if not names.issuperset(tiny):
        raise MissingError(
            f"{source} has a large autoencoder, which is too slow for video, and no tiny one.",
            f"Put {' and '.join(TAESD_FILES)} of {TAESD.hub} into {source / 'taesd'}.",
        )
    return chosen + tiny


def _empty(part: Path) -> None:
    """Of what a killed copy has left: it may have been of another folder."""
    for entry in part.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != LOCK:
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
