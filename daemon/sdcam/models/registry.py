"""Known models by name, and where they lie."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path

from sdcam import resources
from sdcam.errors import MissingError
from sdcam.models.folder import ModelFolder
from sdcam.paths import APP

EMBEDDED = "pocket"
PREFERRED = "sdxs-512"  # what "auto" takes when the user has it


def find_model(name: str) -> ModelFolder:
    """
    Args:
        name: "auto", "pocket", the name of a folder below `models_folder()`, or a path.

    Raises:
        MissingError: no such model, or its folder is refused (`ModelFolder.open`).
    """
    if name == "auto":
        name = PREFERRED if (models_folder() / PREFERRED).is_dir() else EMBEDDED
    if _is_path(name):
        return ModelFolder.open(Path(name).expanduser())
    if name == EMBEDDED:
        return ModelFolder.open(resources.embedded_model())
    if name not in installed_models():
        raise MissingError(
            f'There is no model "{name}".',
            f"Here are: {', '.join(installed_models())}; others go into {models_folder()}.",
        )
    return ModelFolder.open(models_folder() / name)


def installed_models() -> tuple[str, ...]:
    """The embedded model and the names of the folders that the user has put beside it."""
    folder = models_folder()
    own = (
        sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
        if folder.is_dir()
        else []
    )
    return (EMBEDDED, *own)


def models_folder() -> Path:
    """Where downloaded models lie: ~/.local/share/streamdiffusion-cam/models on Linux."""
    return user_data_path(APP) / "models"


def _is_path(name: str) -> bool:
    return os.sep in name or name.startswith(("~", "."))
