"""Models by name: where they lie, and how much room they take."""

from __future__ import annotations

import os
import re
from pathlib import Path

from platformdirs import user_data_path

from sdcam import resources
from sdcam.errors import MissingError
from sdcam.models.bundle import CARD
from sdcam.models.catalogue import EMBEDDED_LICENCE, Provenance, known
from sdcam.models.folder import ModelFolder
from sdcam.paths import APP

EMBEDDED = "pocket"
PREFERRED = "sdxs-512"  # what "auto" takes when the user has it
BUNDLES = "coreml"  # folder of a model's converted bundles

_NAME = re.compile(r"[\w-][\w.-]*")
_HUB_ID = re.compile(rf"{_NAME.pattern}/{_NAME.pattern}")


def find_model(name: str) -> ModelFolder:
    """
    Args:
        name: "auto", "pocket", the name of a folder below `models_folder()`, a hub id that was
            pulled, or a path.

    Raises:
        MissingError: no such model, or its folder is refused (`ModelFolder.open`).
    """
    if name == "auto":
        name = automatic()
    if name == EMBEDDED:
        return ModelFolder.open(resources.embedded_model())
    if is_path(name) and not is_hub_id(name):
        return ModelFolder.open(Path(name).expanduser().absolute())
    if local_name(name) not in installed_models():
        raise _not_here(name)
    return ModelFolder.open(models_folder() / local_name(name))


def automatic() -> str:
    """What "auto" takes."""
    return PREFERRED if (models_folder() / PREFERRED).is_dir() else EMBEDDED


def installed_models() -> tuple[str, ...]:
    """The embedded model and the user's own models, by name."""
    folder = models_folder()
    own = (
        sorted(entry.name for entry in folder.iterdir() if _is_model(entry))
        if folder.is_dir()
        else []
    )
    return (EMBEDDED, *own)


def models_folder() -> Path:
    """Where downloaded models lie: ~/.local/share/streamdiffusion-cam/models on Linux."""
    return user_data_path(APP) / "models"


def bundles_folder(model: ModelFolder) -> Path:
    """Where the bundles of a model lie: in its own folder, unless it is the embedded model."""
    embedded = model.path == resources.embedded_model()
    return (models_folder() / EMBEDDED if embedded else model.path) / BUNDLES


def bundles_of(model: ModelFolder) -> tuple[Path, ...]:
    """The converted bundles of a model, as folders, by name."""
    return bundles_in(bundles_folder(model))


def bundles_in(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(card.parent for card in folder.glob(f"*/{CARD}")))


def origin_of(model: ModelFolder) -> Provenance:
    """Where a model came from, as far as it is known."""
    if model.path == resources.embedded_model():
        return Provenance(source=EMBEDDED, licence=EMBEDDED_LICENCE)
    return Provenance.read(model.path) or Provenance(source=str(model.path))


def bytes_of(folder: Path) -> int:
    """The size of all files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def in_words(size: int) -> str:
    """ "2.7 GB", "14 kB": decimal units, as the hub shows them."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def is_name(word: str) -> bool:
    """Whether a word can be a model's name, here (NAME) or on the hub (owner/name)."""
    return (_NAME.fullmatch(word) or _HUB_ID.fullmatch(word)) is not None


def is_path(name: str) -> bool:
    """Whether a word looks like the path of a folder."""
    return os.sep in name or name.startswith(("~", "."))


def is_hub_id(word: str) -> bool:
    """Whether it is owner/name, and no such folder exists below the current one."""
    return _HUB_ID.fullmatch(word) is not None and not Path(word).exists()


def local_name(word: str) -> str:
    """A model's name here: "sd-turbo" for stabilityai/sd-turbo, owner--name for unknown ones."""
    model = known(word)
    return model.name if model else word.replace("/", "--")


def _is_model(entry: Path) -> bool:
    # Neither an unfinished download nor the bundles of the embedded model.
    return entry.is_dir() and not entry.name.startswith(".") and entry.name != EMBEDDED


def _not_here(name: str) -> MissingError:
    word = local_name(name) if known(name) else name.replace("--", "/")
    if "/" in name:
        return MissingError(
            f'There is no folder {name}, and the model "{word}" is not on this machine.',
            f"Correct the path, or download the model: sdcam models pull {word}.",
        )
    if known(name) or "/" in word:
        return MissingError(
            f'The model "{word}" is not on this machine.', f"Download it: sdcam models pull {word}."
        )
    if name and Path(name).is_dir():
        return MissingError(f'There is no model "{name}".', f"The folder here is called ./{name}.")
    return MissingError(
        f'There is no model "{name}".',
        f"Installed: {', '.join(installed_models())}; others go into {models_folder()}. "
        "`sdcam models list` shows which ones can be downloaded.",
    )
