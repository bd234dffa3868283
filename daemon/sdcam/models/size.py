"""How large something on the disk is."""

from __future__ import annotations

from pathlib import Path


def bytes_of(folder: Path) -> int:
    """Of all files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def in_words(size: int) -> str:
    """ "2.7 GB", "14 kB": decimal units, as the hub and the disk's label have them."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
