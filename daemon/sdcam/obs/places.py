"""Where the service leaves what OBS reads. Fixed, as OBS keeps the paths in its scenes; in the home
folder, as OBS from Flathub sees nothing of the runtime folder."""

from __future__ import annotations

from pathlib import Path

from sdcam.paths import cache_folder


def caption_file() -> Path:
    """The prompt in words, as text."""
    return cache_folder() / "obs" / "prompt.txt"


def side_by_side_socket() -> Path:
    """A Unix socket: whoever connects is sent what the model sees beside what it paints."""
    return cache_folder() / "obs" / "side-by-side.sock"
