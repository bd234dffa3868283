"""A model folder: a diffusers folder of the SDXS, SD-Turbo, Tiny-SD or pocket family.

    model_index.json
    tokenizer/      tokenizer.json, or vocab.json and merges.txt
    text_encoder/   config.json, model.safetensors             CLIPTextModel
    unet/           config.json, diffusion_pytorch_model.safetensors   UNet2DConditionModel
    vae/            config.json, diffusion_pytorch_model.safetensors   AutoencoderTiny
    taesd/          in its place where vae/ holds the large autoencoder
    scheduler/      scheduler_config.json
    {text_encoder,encode,unet,decode}.onnx    for the CPU engine; written by sdcam_convert.cpu

The graphs lie in the folder itself because ONNX runtimes refuse weights outside of a graph's own
folder, and the graphs' weights are the safetensors files below it.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdcam.errors import MissingError
from sdcam.models.bundle import CARD
from sdcam.models.catalogue import known
from sdcam.models.origin import Origin
from sdcam.models.weights import DamagedError, WeightsFile

Config = dict[str, Any]

STAGES = ("text_encoder", "encode", "unet", "decode")
TOKENS = 77  # length of a CLIP prompt
WEIGHTS_LAYOUT = "weights_layout"  # key of a graph's metadata: `WeightsFile.layout` of its weights
LATENT_SCALE = 8  # pixels of the picture per pixel of the latent

_UNETS = ("UNet2DConditionModel", "NormFreeUNet")  # the second: sdcam.engines.stages
_PICKLES = ("*.bin", "*.ckpt", "*.pt", "*.pth", "*.pkl")


@dataclass(frozen=True)
class ModelFolder:
    """A folder that was looked through: what it says here is true of its files."""

    path: Path
    unet: Config
    vae: Config  # of the tiny autoencoder
    text_encoder: Config
    scheduler: Config
    unet_weights: Path
    vae_weights: Path
    text_encoder_weights: Path

    @classmethod
    def open(cls, path: Path) -> ModelFolder:
        """
        Raises:
            MissingError: it is not there, not whole, damaged, of another family, or keeps its
                weights as pickles.
        """
        try:
            return cls._read(path)
        except _NotWholeError as fault:
            raise MissingError(str(fault), _how_to_get_it_whole(path)) from None

    @classmethod
    def _read(cls, path: Path) -> ModelFolder:
        _refuse_what_is_no_model_folder(path)
        unet = _config(path / "unet")
        text_encoder = _config(path / "text_encoder")
        _refuse_other_families(path, unet, text_encoder)
        vae_folder, vae = _tiny_autoencoder(path)
        _refuse_a_missing_tokenizer(path / "tokenizer")
        model = cls(
            path=path,
            unet=unet,
            vae=vae,
            text_encoder=text_encoder,
            scheduler=_json(path / "scheduler" / "scheduler_config.json"),
            unet_weights=_weights(path / "unet", "diffusion_pytorch_model"),
            vae_weights=_weights(vae_folder, "diffusion_pytorch_model"),
            text_encoder_weights=_weights(path / "text_encoder", "model"),
        )
        try:
            model._refuse_parts_that_do_not_fit()
        except (KeyError, TypeError, ValueError) as fault:
            raise _broken(path, f"a configuration that is damaged ({fault})") from None
        return model

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def patch(self) -> int:
        """Pixels of the picture per pixel that the autoencoder sees: 4 when it works on
        pixel-unshuffled pictures (48 channels), else 1."""
        return math.isqrt(int(self.vae["in_channels"]) // 3)

    @property
    def latent_channels(self) -> int:
        return int(self.unet["in_channels"])

    @property
    def embed_channels(self) -> int:
        return int(self.text_encoder["hidden_size"])

    @property
    def least_prompt_distance(self) -> float:
        """How far a prompt's embedding has to be from the empty prompt's, of whose norm it is a
        share, for the model to know any word of it. 0, as of all big models: any prompt will do."""
        return float(self.text_encoder.get("least_prompt_distance", 0.0))

    @property
    def latent_factor(self) -> float:
        """What the encoder's result is multiplied with to become the UNet's latent."""
        return float(self.vae.get("scaling_factor", 1.0))

    @property
    def tokenizer(self) -> Path:
        return self.path / "tokenizer"

    @property
    def vae_folder(self) -> Path:
        return self.vae_weights.parent

    def weights_of(self, stage: str) -> Path:
        """The safetensors file that a stage computes with."""
        if stage == "text_encoder":
            return self.text_encoder_weights
        return self.unet_weights if stage == "unet" else self.vae_weights

    def graph(self, stage: str) -> Path:
        """Where the ONNX graph of a stage lies, or would lie."""
        return self.path / f"{stage}.onnx"

    @property
    def has_graphs(self) -> bool:
        return all(self.graph(stage).is_file() for stage in STAGES)

    def _refuse_parts_that_do_not_fit(self) -> None:
        seen = self.patch * 2 ** (len(self.vae.get("num_encoder_blocks", ())) - 1)
        if self.patch**2 * 3 != self.vae["in_channels"] or seen != LATENT_SCALE:
            raise _broken(self.path, "an autoencoder that does not shrink pictures by 8")
        if self.vae.get("latent_channels", 4) != self.latent_channels:
            raise _broken(self.path, "a UNet and an autoencoder of different latent channels")
        if self.unet.get("cross_attention_dim") != self.embed_channels:
            raise _broken(self.path, "a UNet made for another text encoder")


class _NotWholeError(Exception):
    """A file is missing or damaged; the message names it."""


def _how_to_get_it_whole(path: Path) -> str:
    origin = Origin.read(path)
    if origin is None or path.name.startswith("."):  # put there by hand, or not whole yet
        return "Copy the whole model again, or download it: sdcam models pull."
    entry = known(origin.source)
    if not origin.revision:
        which = f"{path.name} --from {origin.source}"
    elif entry and entry.revision == origin.revision:
        which = entry.name
    else:
        which = f"{origin.source} --revision {origin.revision}"
    return f"Get it anew: sdcam models remove {path.name}, then sdcam models pull {which}."


def _refuse_what_is_no_model_folder(path: Path) -> None:
    if path.is_file():
        raise MissingError(
            f"The model {path} is a file, not a diffusers folder.",
            "Give a folder with model_index.json in it.",
        )
    if not path.is_dir():
        raise MissingError(
            f"There is no model folder {path}.",
            "Correct the path; `sdcam models list` tells what is here.",
        )
    if (path / CARD).is_file():
        raise MissingError(
            f"The folder {path} holds a converted model.",
            "Give the model that it was made from.",
        )
    if not (path / "unet").is_dir() and any(path.glob("*.safetensors")):
        raise MissingError(
            f"The folder {path} holds a single-file checkpoint, not a diffusers folder.",
            "Take the model's diffusers version: the one with unet/ and model_index.json.",
        )
    _json(path / "model_index.json")


def _refuse_other_families(path: Path, unet: Config, text_encoder: Config) -> None:
    kind = _json(path / "model_index.json").get("_class_name", "")
    if (
        "XL" in str(kind)
        or (path / "text_encoder_2").is_dir()
        or unet.get("addition_embed_type") == "text_time"
    ):
        raise _another_family(path, "an SDXL model")
    if unet.get("_class_name", _UNETS[0]) not in _UNETS:
        raise _another_family(path, f"a model with a {unet['_class_name']}")
    if text_encoder.get("model_type", "clip_text_model") != "clip_text_model":
        raise _another_family(path, f"a model with the text encoder {text_encoder['model_type']}")


def _another_family(path: Path, what: str) -> MissingError:
    return MissingError(
        f"The folder {path} holds {what}, which is another family.",
        "Take a model of the SDXS, SD-Turbo or Tiny-SD family.",
    )


def _tiny_autoencoder(path: Path) -> tuple[Path, Config]:
    for folder in (path / "vae", path / "taesd"):
        if folder.is_dir():
            config = _config(folder)
            if config.get("_class_name") == "AutoencoderTiny":
                return folder, config
    raise MissingError(
        f"The model folder {path} has no tiny autoencoder; the large one is too slow for video.",
        f"Put TAESD (madebyollin/taesd: config.json and its safetensors) into {path / 'taesd'}.",
    )


def _refuse_a_missing_tokenizer(folder: Path) -> None:
    if (folder / "tokenizer.json").is_file():
        return
    for name in ("vocab.json", "merges.txt"):
        if not (folder / name).is_file():
            raise _NotWholeError(f"The model has no file {folder / name}.")


def _weights(folder: Path, stem: str) -> Path:
    """The weights in half precision where there are both: the same numbers at half the size."""
    for name in (f"{stem}.fp16.safetensors", f"{stem}.safetensors"):
        if (folder / name).is_file():
            try:
                return WeightsFile.open(folder / name).path
            except DamagedError as fault:
                raise _NotWholeError(fault.what) from None
    if (folder / f"{stem}.safetensors.index.json").is_file():
        raise MissingError(
            f"The weights in {folder} are split over several files.",
            "Take a version of the model with one .safetensors file in each folder.",
        )
    for pattern in _PICKLES:
        for pickle in folder.glob(pattern):
            raise MissingError(
                f"The weights {pickle} are a pickle, which can run any program when it is read.",
                "Take a version of the model with .safetensors files.",
            )
    raise _NotWholeError(
        f"The model folder {folder.parent} has no {folder.name}/{stem}.safetensors."
    )


def _config(folder: Path) -> Config:
    return _json(folder / "config.json")


def _json(path: Path) -> Config:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _NotWholeError(f"The model has no file {path}.") from None
    except OSError as fault:
        raise MissingError(
            f"The file {path} of the model cannot be read ({fault.strerror}).",
            "Check the file's permissions.",
        ) from None
    except ValueError as fault:
        raise _NotWholeError(f"The file {path} of the model is damaged ({fault}).") from None
    if not isinstance(content, dict):
        raise _NotWholeError(f"The file {path} of the model is damaged (not a JSON object).")
    return content


def _broken(path: Path, what: str) -> _NotWholeError:
    return _NotWholeError(f"The model folder {path} has {what}.")
