"""Where a bundle grows: a hidden folder beside its place, on the same disk, gone at the end.

Nothing can be cleared up after SIGKILL or a power cut; the next conversion into the same folder
finds what they have left by a lock that nobody holds any more.
"""

from __future__ import annotations

import errno
import fcntl
import gc
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from sdcam.errors import MissingError, SdcamError
from sdcam.models.pull import termination_interrupts
from sdcam.models.registry import in_words

_LOCK = ".sdcam-conversion"  # held as long as the conversion lives
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ROOM = 3  # disk that a conversion takes: program, its temporary copy, and another to compress


@contextmanager
def workspace(out: Path, need: int) -> Iterator[Path]:
    """A folder to fill and to rename to `out`. Temporary files of coremltools go beside it: it
    leaves them in /tmp when it is interrupted. SIGTERM ends it as Ctrl-C does.

    Args:
        need: bytes of the weights of the largest program.

    Raises:
        MissingError: there can be no such folder.
        SdcamError: the disk is full, or something in it could not be written.
    """
    out = out.absolute()
    missing = [folder for folder in out.parents if not folder.exists()]
    with termination_interrupts():
        try:
            with _locked_room(out) as room, _explained(out, room, need):
                (room / "bundle").mkdir()
                yield room / "bundle"
        finally:
            for folder in missing:  # the innermost first; with a bundle in it, it stays
                with suppress(OSError):
                    folder.rmdir()


def put(bundle: Path, out: Path) -> None:
    """Gives a bundle its name; after a power cut, too, it is whole or not there."""
    for path in (*bundle.rglob("*"), bundle):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    bundle.rename(out)


@contextmanager
def _locked_room(out: Path) -> Iterator[Path]:
    """The hidden folder; temporary files go there as long as it is."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _clear_up_after_the_dead(out.parent)
        room = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        lock = _lock(room)
    except OSError as fault:
        raise MissingError(
            f"{out} cannot be written ({fault.strerror}).", "Give another folder with --out."
        ) from None
    usual = tempfile.tempdir
    try:
        tempfile.tempdir = str(room)
        yield room
    except BaseException as fault:
        _let_go(fault)
        raise
    finally:
        tempfile.tempdir = usual
        _delete(room)
        lock.close()


def _lock(room: Path) -> IO[Any]:
    try:
        new = room / f"{_LOCK}-new"
        lock = new.open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        new.rename(room / _LOCK)  # seen by others only when it is held
    except OSError:
        shutil.rmtree(room, ignore_errors=True)
        raise
    return lock


def _clear_up_after_the_dead(parent: Path) -> None:
    for path in parent.glob(f".*/{_LOCK}"):
        with suppress(OSError), path.open("r+") as lock:  # a living one holds it: BlockingIOError
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _delete(path.parent)


def _delete(room: Path) -> None:
    """The lock last: by it the rest is found if this, too, is broken off."""
    for path in (*room.glob("*"), room):  # nothing happens to files
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _explained(out: Path, room: Path, need: int) -> Iterator[None]:
    """What goes wrong on the way, as a sentence. A full disk shows as any error at all (copying
    a folder collects texts, coremltools' own code says that it failed), and as no room for
    another program where there was room for three."""
    if shutil.disk_usage(room).free < _ROOM * need:
        raise _disk_full(out, f", this needs {in_words(_ROOM * need)}")
    try:
        yield
    except MissingError:
        raise
    except (SdcamError, OSError) as fault:
        full = isinstance(fault, OSError) and fault.errno in _FULL
        if full or shutil.disk_usage(room).free < need:
            raise _disk_full(out) from None
        if isinstance(fault, SdcamError):
            raise
        raise SdcamError(
            f"{out} could not be written ({fault.strerror or fault}).",
            "Nothing was kept; try another --out.",
        ) from fault


def _disk_full(out: Path, more: str = "") -> SdcamError:
    return SdcamError(
        f"The disk of {out.parent} is full{more}.",
        "Nothing was kept; free some space, or give a folder on another disk with --out.",
    )


def _let_go(fault: BaseException | None) -> None:
    """Lets the temporary files go that coremltools' frames hold, as long as they are there: each
    complains on stderr when it cannot be closed or deleted."""

    def keep_quiet(found: Any) -> None:
        if not isinstance(found.exc_value, OSError):
            usual(found)

    usual, sys.unraisablehook = sys.unraisablehook, keep_quiet
    try:
        while fault is not None:
            traceback.clear_frames(fault.__traceback__)
            fault = fault.__cause__ or fault.__context__
        gc.collect()
    finally:
        sys.unraisablehook = usual
