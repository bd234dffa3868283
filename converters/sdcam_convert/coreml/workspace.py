"""Where a bundle is built: a hidden folder beside its place, on the same disk, removed at the end.

After SIGKILL or a power cut the folder stays. The next conversion into the same place recognises it
by a lock file that no process holds, and removes it.
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

_LOCK = ".sdcam-conversion"  # locked while the conversion runs
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ROOM = 3  # times the weights on disk: the program, its temporary copy, another to compress


@contextmanager
def workspace(out: Path, need: int) -> Iterator[Path]:
    """A folder to fill and to rename to `out`. Temporary files of coremltools go beside it, because
    an interrupted coremltools leaves them in /tmp. SIGTERM ends it as Ctrl-C does.

    Args:
        need: bytes of the weights of the largest program.

    Raises:
        MissingError: the folder cannot be created.
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
            for folder in missing:  # the innermost first; one that holds a bundle stays
                with suppress(OSError):
                    folder.rmdir()


def put(bundle: Path, out: Path) -> None:
    """Renames a bundle; it is complete or absent even after a power cut."""
    for path in (*bundle.rglob("*"), bundle):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    bundle.rename(out)


@contextmanager
def _locked_room(out: Path) -> Iterator[Path]:
    """The hidden folder, which gets all temporary files meanwhile."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(out.parent)
        room = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        lock = _lock(room)
    except OSError as fault:
        raise MissingError(
            f"{out} cannot be written ({fault.strerror}).", "Name another folder with --out."
        ) from None
    usual = tempfile.tempdir
    try:
        tempfile.tempdir = str(room)
        yield room
    except BaseException as fault:
        _release(fault)
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
        new.rename(room / _LOCK)  # others see it only when it is locked
    except OSError:
        shutil.rmtree(room, ignore_errors=True)
        raise
    return lock


def _remove_abandoned(parent: Path) -> None:
    for path in parent.glob(f".*/{_LOCK}"):
        with suppress(OSError), path.open("r+") as lock:  # BlockingIOError: a running one holds it
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _delete(path.parent)


def _delete(room: Path) -> None:
    """The lock last: if this is interrupted too, the next conversion finds the rest by it."""
    for path in (*room.glob("*"), room):  # rmtree ignores files
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _explained(out: Path, room: Path, need: int) -> Iterator[None]:
    """Turns faults into a sentence. A full disk appears as any kind of error (copying a folder
    collects texts, coremltools only says that it failed), so the free space decides."""
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
        "Nothing was kept; free some space, or name a folder on another disk with --out.",
    )


def _release(fault: BaseException | None) -> None:
    """Closes the temporary files that coremltools' frames hold before they are deleted: later, each
    would complain on stderr that it cannot be closed."""

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
