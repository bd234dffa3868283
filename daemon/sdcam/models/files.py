"""Which files make a model: for a repository of the hub, and for a folder on this machine.

They are chosen by exact name: never a pickle, never a path that leads elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Final

from sdcam.errors import MissingError
from sdcam.models.catalogue import TAKE_ANOTHER

SMALL_FILES: Final = (
    "model_index.json",
    "scheduler/scheduler_config.json",
    "tokenizer/tokenizer.json",
    "tokenizer/tokenizer_config.json",
    "tokenizer/special_tokens_map.json",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
    "text_encoder/config.json",
    "unet/config.json",
    "vae/config.json",
    "LICENSE",
    "LICENSE.md",
    "LICENSE.txt",
)
GRAPHS: Final = ("text_encoder.onnx", "encode.onnx", "unet.onnx", "decode.onnx")
TAESD_FILES: Final = ("config.json", "diffusion_pytorch_model.safetensors")

_PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")


def model_files(model: str, names: Collection[str], has_tiny_vae: bool) -> list[str]:
    """Configurations, tokenizer, licence and weights among `names`: all that a model needs, but for
    the tiny autoencoder that replaces a large one.

    Raises:
        MissingError: as `needed_weights`.
    """
    parts = ("text_encoder", "unet", "vae") if has_tiny_vae else ("text_encoder", "unet")
    small = [name for name in SMALL_FILES if name in names]
    return small + [needed_weights(model, names, part) for part in parts]


def weights_file(model: str, names: Collection[str], folder: str) -> str | None:
    """The weights of one part, in half precision where there are both: the same numbers at half
    the size.

    Args:
        model: for messages.
        names: of the model's files, with "/".
        folder: "text_encoder", "unet", "vae" or "taesd".

    Returns:
        One of `names`; None if the part has no weights.

    Raises:
        MissingError: its weights are pickles, or split over several files.
    """
    stem = f"{folder}/{weights_stem(folder)}"
    for name in (f"{stem}.fp16.safetensors", f"{stem}.safetensors"):
        if name in names:
            return name
    if f"{stem}.safetensors.index.json" in names:
        raise MissingError(
            f"The weights of {model} are split over several files.",
            "Take a model with one .safetensors file in each folder.",
        )
    for name in names:
        if name.startswith(f"{folder}/") and name.endswith(_PICKLES):
            raise MissingError(
                f"The weights of {model} are pickles ({name}), which can run any program when "
                "they are read.",
                "Take a version with .safetensors files, or make one as docs/models.md says and "
                "give its folder with --from DIR.",
            )
    return None


def weights_stem(folder: str) -> str:
    return "model" if folder == "text_encoder" else "diffusion_pytorch_model"


def needed_weights(model: str, names: Collection[str], folder: str) -> str:
    """As `weights_file`.

    Raises:
        MissingError: also if the part has none.
    """
    found = weights_file(model, names, folder)
    if found is None:
        raise MissingError(
            f"{model} has no {folder}/{weights_stem(folder)}.safetensors.", TAKE_ANOTHER
        )
    return found


def has_tiny_autoencoder(model: str, config: Path) -> bool:
    """Whether `vae/config.json` is that of a tiny autoencoder; TAESD replaces a large one.

    Raises:
        MissingError: the file is damaged.
    """
    try:
        content = json.loads(config.read_text(encoding="utf-8"))
        return bool(content.get("_class_name") == "AutoencoderTiny")
    except (ValueError, AttributeError):
        raise MissingError(
            f"vae/config.json of {model} is damaged.", "Take another revision of the model."
        ) from None


def refuse_other_repositories(model: str, names: Collection[str]) -> None:
    """Before anything large is downloaded.

    Raises:
        MissingError: it is SDXL, no diffusers model, or its weights cannot be used.
    """
    if "text_encoder_2/config.json" in names:
        raise MissingError(f"{model} is an SDXL model, which is another family.", TAKE_ANOTHER)
    for needed in ("model_index.json", "unet/config.json", "vae/config.json"):
        if needed not in names:
            raise MissingError(
                f"{model} is no diffusers model of this family: it has no {needed}.", TAKE_ANOTHER
            )
    for folder in ("text_encoder", "unet"):
        needed_weights(model, names, folder)
