"""The service's log: its end, what is added to it, and taking it away."""

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
    """Of the file and the ones that were begun before it (`NAME.1`, `NAME.2`, ...), in order."""
    lines: deque[str] = deque(maxlen=count)
    older = sorted(
        (p for p in path.parent.glob(f"{path.name}.*") if p.suffix[1:].isdecimal()),
        key=lambda p: -int(p.suffix[1:]),
    )
    for part in [*older, path]:
        if part.exists():
            lines.extend(part.read_text(encoding="utf-8", errors="replace").splitlines())
    return list(lines)


def remove_logs() -> Path | None:
    """The folder of the logs, with the one around it where that held nothing else; None when there
    was none."""
    folder = log_folder()
    if not folder.exists():
        return None
    shutil.rmtree(folder, ignore_errors=True)
    if folder.parent.name == APP and not any(folder.parent.iterdir()):
        folder.parent.rmdir()
    return folder


def follow(path: Path) -> Iterator[str]:
    """Every line from now on, also in the file that takes its place. Never ends."""
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
