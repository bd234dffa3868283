"""Which files of a repository a model folder needs. Chosen by exact name: never a pickle, never a
path that leads elsewhere."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Final

from sdcam.errors import MissingError

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

_STEM = {
    "text_encoder": "model",
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "taesd": "diffusion_pytorch_model",
}
_PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")


def small_files(names: Collection[str]) -> list[str]:
    return [name for name in SMALL_FILES if name in names]


def weights(repo: str, names: Collection[str], folder: str) -> str:
    """The weights of one part, in half precision where there are both.

    Raises:
        MissingError: there are none that this program reads.
    """
    stem = f"{folder}/{_STEM[folder]}"
    for name in (f"{stem}.fp16.safetensors", f"{stem}.safetensors"):
        if name in names:
            return name
    if f"{stem}.safetensors.index.json" in names:
        raise MissingError(
            f"The weights of {repo} are split over several files.",
            "Take a model with one .safetensors file in each folder.",
        )
    for name in names:
        if name.startswith(f"{folder}/") and name.endswith(_PICKLES):
            raise MissingError(
                f"The weights of {repo} are pickles ({name}), which can run any program when "
                "they are read.",
                "Take a version with .safetensors files, or make one as docs/models.md says and "
                "give its folder with --from DIR.",
            )
    raise MissingError(
        f"{repo} has no {stem}.safetensors.",
        "Take a diffusers model of the SDXS, SD-Turbo or Tiny-SD family.",
    )


def has_tiny_autoencoder(repo: str, config: Path) -> bool:
    """What `vae/config.json` says; a large autoencoder is replaced by TAESD.

    Raises:
        MissingError: the file is damaged.
    """
    try:
        content = json.loads(config.read_text(encoding="utf-8"))
        return bool(content.get("_class_name") == "AutoencoderTiny")
    except (ValueError, AttributeError):
        raise MissingError(
            f"vae/config.json of {repo} is damaged.", "Take another revision of the model."
        ) from None


def refuse_other_repositories(repo: str, names: Collection[str]) -> None:
    """Before anything large is fetched.

    Raises:
        MissingError: it is SDXL, no diffusers model, or has weights that this program won't read.
    """
    if "text_encoder_2/config.json" in names:
        raise MissingError(
            f"{repo} is an SDXL model, which is another family.",
            "Take a model of the SDXS, SD-Turbo or Tiny-SD family.",
        )
    for needed in ("model_index.json", "unet/config.json", "vae/config.json"):
        if needed not in names:
            raise MissingError(
                f"{repo} is no diffusers model of this family: it has no {needed}.",
                "Take a model of the SDXS, SD-Turbo or Tiny-SD family.",
            )
    for folder in ("text_encoder", "unet"):
        weights(repo, names, folder)
