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
from sdcam.models.catalogue import TAKE_ANOTHER, Provenance, known
from sdcam.models.files import weights_file, weights_stem
from sdcam.models.weights import DamagedError, WeightsFile

Config = dict[str, Any]

NETWORKS = ("text_encoder", "encode", "unet", "decode")
TOKENS = 77  # length of a CLIP prompt
USUAL_SIZE = (512, 512)  # (width, height) in pixels that the large models were trained on
WEIGHTS_LAYOUT = "weights_layout"  # key of a graph's metadata: `WeightsFile.layout` of its weights
LATENT_SCALE = 8  # pixels of the picture per pixel of the latent

_UNETS = ("UNet2DConditionModel", "NormFreeUNet")  # the second: sdcam.engines.torch_modules


@dataclass(frozen=True)
class ModelFolder:
    """A folder that was checked: what it says here is true of its files."""

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
        except _DamagedFolderError as fault:
            raise MissingError(str(fault), _how_to_repair(path)) from None

    @classmethod
    def _read(cls, path: Path) -> ModelFolder:
        _refuse_other_folders(path)
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
            unet_weights=_weights(path / "unet"),
            vae_weights=_weights(vae_folder),
            text_encoder_weights=_weights(path / "text_encoder"),
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
        """How far a prompt's embedding has to be from the empty prompt's for the model to know any
        word of it, as a share of the latter's norm. 0 for large models: any prompt will do."""
        return float(self.text_encoder.get("least_prompt_distance", 0.0))

    @property
    def latent_factor(self) -> float:
        """The encoder's result times this is the UNet's latent."""
        return float(self.vae.get("scaling_factor", 1.0))

    @property
    def tokenizer(self) -> Path:
        return self.path / "tokenizer"

    @property
    def vae_folder(self) -> Path:
        return self.vae_weights.parent

    def weights_of(self, network: str) -> Path:
        """The safetensors file that a network computes with."""
        if network == "text_encoder":
            return self.text_encoder_weights
        return self.unet_weights if network == "unet" else self.vae_weights

    def graph(self, network: str) -> Path:
        """Path of the ONNX graph of a network, whether it exists or not."""
        return self.path / f"{network}.onnx"

    @property
    def has_graphs(self) -> bool:
        return all(self.graph(network).is_file() for network in NETWORKS)

    def _refuse_parts_that_do_not_fit(self) -> None:
        seen = self.patch * 2 ** (len(self.vae.get("num_encoder_blocks", ())) - 1)
        if self.patch**2 * 3 != self.vae["in_channels"] or seen != LATENT_SCALE:
            raise _broken(self.path, "an autoencoder that does not shrink pictures by 8")
        if self.vae.get("latent_channels", 4) != self.latent_channels:
            raise _broken(self.path, "a UNet and an autoencoder of different latent channels")
        if self.unet.get("cross_attention_dim") != self.embed_channels:
            raise _broken(self.path, "a UNet made for another text encoder")


class _DamagedFolderError(Exception):
    """A file is missing or damaged; the message names it."""


def _how_to_repair(path: Path) -> str:
    origin = Provenance.read(path)
    if origin is None or path.name.startswith("."):  # put there by hand, or still incomplete
        return "Copy the whole model again, or download it: sdcam models pull."
    entry = known(origin.source)
    if not origin.revision:
        which = f"{path.name} --from {origin.source}"
    elif entry and entry.revision == origin.revision:
        which = entry.name
    else:
        which = f"{origin.source} --revision {origin.revision}"
    return f"Get it again: sdcam models remove {path.name}, then sdcam models pull {which}."


def _refuse_other_folders(path: Path) -> None:
    if path.is_file():
        raise MissingError(
            f"The model {path} is a file, not a diffusers folder.",
            "Name a folder with model_index.json in it.",
        )
    if not path.is_dir():
        raise MissingError(
            f"There is no model folder {path}.",
            "Correct the path; `sdcam models list` shows which models are here.",
        )
    if (path / CARD).is_file():
        raise MissingError(
            f"The folder {path} holds a converted model.",
            "Name the model that it was made from.",
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
        TAKE_ANOTHER,
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
            raise _DamagedFolderError(f"The model has no file {folder / name}.")


def _weights(folder: Path) -> Path:
    """The safetensors file of a part that is to be used; its header was read."""
    path, part = folder.parent, folder.name
    names = [f"{part}/{each.name}" for each in folder.glob("*") if each.is_file()]
    found = weights_file(f"the model {path}", names, part)
    if found is None:
        raise _DamagedFolderError(
            f"The model folder {path} has no {part}/{weights_stem(part)}.safetensors."
        )
    try:
        return WeightsFile.open(path / found).path
    except DamagedError as fault:
        raise _DamagedFolderError(fault.what) from None


def _config(folder: Path) -> Config:
    return _json(folder / "config.json")


def _json(path: Path) -> Config:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _DamagedFolderError(f"The model has no file {path}.") from None
    except OSError as fault:
        raise MissingError(
            f"The file {path} of the model cannot be read ({fault.strerror}).",
            "Check the file's permissions.",
        ) from None
    except ValueError as fault:
        raise _DamagedFolderError(f"The file {path} of the model is damaged ({fault}).") from None
    if not isinstance(content, dict):
        raise _DamagedFolderError(f"The file {path} of the model is damaged (not a JSON object).")
    return content


def _broken(path: Path, what: str) -> _DamagedFolderError:
    return _DamagedFolderError(f"The model folder {path} has {what}.")
