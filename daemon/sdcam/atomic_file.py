"""Files that are whole at every moment: whoever reads one finds the old content or the new one."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from sdcam.errors import SdcamError

_MODE = 0o644  # of a new file, whatever the umask is


def atomic_write(path: Path, content: bytes, mode: int | None = None) -> None:
    """Makes the folder, too, if there is none. A file that is there keeps its owner; where it is a
    link (to one's dotfiles), what it points to is written.

    Args:
        mode: of the file; None keeps that of one that is there.

    Raises:
        SdcamError: it cannot be written; what was there is as it was.
    """
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        before = target.stat() if target.exists() else None
        if mode is None:
            mode = stat.S_IMODE(before.st_mode) if before else _MODE
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(descriptor, mode)
                if before:
                    with contextlib.suppress(PermissionError):  # only root may give files away
                        os.fchown(descriptor, before.st_uid, before.st_gid)
                os.fsync(descriptor)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SdcamError(
            f"{target} cannot be written: {error.strerror or error}.",
            "See that the file and its folder are yours, and that the disk is not full.",
        ) from None


def remove_file(path: Path) -> bool:
    """False when there was none.

    Raises:
        SdcamError: it cannot be removed.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise SdcamError(
            f"{path} cannot be removed: {error.strerror}.", "See that its folder is yours."
        ) from None
    return True
