"""Who else has a camera open (Linux), as far as this user may see."""

from __future__ import annotations

import os
from pathlib import Path


def holders(node: str, proc: Path = Path("/proc")) -> list[str]:
    """Programs that have `node` open, as "zoom (pid 4711)"; ourselves left out."""
    return [
        f"{_program(process)} (pid {process.name})"
        for process in sorted(proc.glob("[0-9]*"), key=lambda path: int(path.name))
        if process.name != str(os.getpid()) and _has_open(process, node)
    ]


def _has_open(process: Path, node: str) -> bool:
    try:
        links = list((process / "fd").iterdir())
    except OSError:  # another user's process, or one that has just ended
        return False
    return any(_target(link) == node for link in links)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _program(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "a program"
