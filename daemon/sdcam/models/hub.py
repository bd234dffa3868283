"""The Hugging Face hub: what a repository holds at a commit, and its files, complete and checked.

huggingface_hub keeps finished files only. Here an interrupted file resumes where it stopped, in the
next command too: a model is one file of a gigabyte and more.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sdcam.errors import MissingError, SdcamError
from sdcam.models.bundle import sha256

PART = ".part"  # suffix of an incomplete file

_FULL = (errno.ENOSPC, errno.EDQUOT)


class AlteredError(SdcamError):
    """A file is not what the hub says it is."""


@dataclass(frozen=True)
class HubFile:
    path: str  # in the repository, with "/"
    size: int  # bytes
    sha256: str  # of large files; "" for files in git itself
    blob: str  # git's hash of the others: SHA-1 of "blob SIZE\0" and the bytes


@dataclass(frozen=True)
class Listing:
    repo: str
    commit: str
    licence: str  # as the model card names it; "" if it names none
    files: dict[str, HubFile]


def look_up(repo: str, revision: str) -> Listing:
    """What a repository holds.

    Args:
        revision: a commit, a branch or a tag.

    Raises:
        MissingError: no such repository or revision, not open to this user, or no network.
    """
    _be_quiet()
    from huggingface_hub import HfApi

    with _explained(repo, revision):
        found = HfApi(endpoint=_endpoint()).model_info(repo, revision=revision, files_metadata=True)
    if not found.sha:
        raise _broken_off("it named no commit")
    files = {
        entry.rfilename: HubFile(
            entry.rfilename,
            entry.size or 0,
            entry.lfs.sha256 if entry.lfs else "",
            entry.blob_id or "",
        )
        for entry in found.siblings or ()
    }
    card = found.card_data
    licence = (card.get("license_name") or card.get("license") or "") if card else ""
    return Listing(repo, found.sha, str(licence), files)


def download(listing: Listing, file: HubFile, path: Path) -> None:
    """Downloads one file, resuming `path`.part; shows a progress bar in a terminal.

    Raises:
        MissingError: the network or the hub failed; the partial file stays.
        AlteredError: it is not what the hub describes; it was deleted.
        SdcamError: it cannot be written.
    """
    if path.is_file() and path.stat().st_size == file.size:
        return  # a file gets this name after its check
    part = path.with_name(path.name + PART)
    while True:
        before = _size(part)
        try:
            _resume(listing, file, part)
            break
        except MissingError:
            if _size(part) == before:  # older versions of the library give up at the first cut
                raise
    if not _is_as_described(part, file):
        part.unlink()
        raise AlteredError(
            f"The file {file.path} of {listing.repo} differs from what the hub describes "
            f"(expected hash {file.sha256 or file.blob}).",
            "It was deleted. Pull again; if it happens again, do not trust this network.",
        )
    part.replace(path)


def _resume(listing: Listing, file: HubFile, part: Path) -> None:
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    url = hf_hub_url(listing.repo, file.path, revision=listing.commit, endpoint=_endpoint())
    # A compressed answer has no byte positions to resume from.
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    with _explained(listing.repo, listing.commit):
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as target:
            http_get(
                url,
                target,
                resume_size=target.tell(),
                headers=headers,
                expected_size=file.size,
                displayed_filename=file.path,
            )


def _is_as_described(path: Path, file: HubFile) -> bool:
    if file.sha256:
        return sha256(path) == file.sha256
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == file.blob


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _endpoint() -> str | None:
    """Another hub, such as a mirror. The library reads the variable too, but only once."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def _be_quiet() -> None:
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # read when the library is imported


@contextmanager
def _explained(repo: str, revision: str) -> Iterator[None]:
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError:
        raise MissingError(
            f"The owners of {repo} want to know who downloads it.",
            f"Accept their terms on its page ({_endpoint() or 'https://huggingface.co'}/{repo}), "
            "log in with `hf auth login`, and pull again.",
        ) from None
    except errors.RepositoryNotFoundError:
        raise MissingError(
            f"The hub has no model {repo}, or it is private.",
            "Check the spelling; for a private one log in with `hf auth login`.",
        ) from None
    except errors.RevisionNotFoundError:
        raise MissingError(
            f'The model {repo} has no revision "{revision}".',
            "Give a commit, branch or tag that its page on the hub shows, or leave out --revision.",
        ) from None
    except errors.HfHubHTTPError as fault:
        raise _broken_off(f"the hub answered with {fault.response.status_code}") from None
    except errors.OfflineModeIsEnabled:
        raise _broken_off("HF_HUB_OFFLINE is set") from None
    except OSError as fault:
        if fault.errno in _FULL:
            raise SdcamError(
                f"The disk is full; {repo} is incomplete.",
                "The next pull resumes and needs room for the rest; `sdcam models remove` deletes "
                "the partial files.",
            ) from None
        if fault.errno is not None and fault.filename is not None:
            raise SdcamError(
                f"{fault.filename} cannot be written ({fault.strerror}).", "Check its permissions."
            ) from None
        raise _broken_off(_first_line(fault)) from None
    except Exception as fault:
        # The library passes on the errors of its HTTP client, which changed over the years.
        if type(fault).__module__.partition(".")[0] not in ("requests", "httpx", "httpx2"):
            raise
        raise _broken_off(_first_line(fault)) from None


def _broken_off(why: str) -> MissingError:
    return MissingError(
        f"The hub cannot be reached ({why}).",
        "Check the network and pull again: it resumes. Without a network, "
        "copy the model's folder and use --from DIR.",
    )


def _first_line(fault: Exception) -> str:
    return str(fault).partition("\n")[0] or type(fault).__name__
