"""The service's log files: their last lines, new lines as they are written, their removal."""

from __future__ import annotations

import os
import shutil
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from sdcam.paths import APP, log_folder

_POLL_SECONDS = 0.25


def last_lines(path: Path, count: int) -> list[str]:
    """The last `count` lines of a log, in order, older files (`NAME.1`, `NAME.2`) included."""
    lines: deque[str] = deque(maxlen=count)
    older = sorted(
        (p for p in path.parent.glob(f"{path.name}.*") if p.suffix[1:].isdecimal()),
        key=lambda p: -int(p.suffix[1:]),
    )
    for part in [*older, path]:
        if part.exists():
            lines.extend(part.read_text(encoding="utf-8", errors="replace").splitlines())
    return list(lines)


def follow(path: Path) -> Iterator[str]:
    """Yields every line that is added, also after the log has rotated. Never ends."""
    file = path.open(encoding="utf-8", errors="replace")
    try:
        file.seek(0, os.SEEK_END)
        while True:
            if line := file.readline():
                yield line.rstrip("\n")
            elif path.exists() and path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                file.close()
                file = path.open(encoding="utf-8", errors="replace")
            else:
                time.sleep(_POLL_SECONDS)
    finally:
        file.close()


def remove_logs() -> Path | None:
    """Deletes the log folder, and its parent if that is ours and empty. None if there was none."""
    folder = log_folder()
    if not folder.exists():
        return None
    shutil.rmtree(folder, ignore_errors=True)
    if folder.parent.name == APP and not any(folder.parent.iterdir()):
        folder.parent.rmdir()
    return folder
