"""Facts of an operating system, each written once: names, device nodes, drivers, /proc."""

from __future__ import annotations

from pathlib import Path


def read_text(path: Path) -> str:
    """A small file of /sys or /proc, stripped; "" where it is gone or may not be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
