"""The four networks of a model as torch modules, with the inputs and outputs of every engine.

    text_encoder  (1, 77) int64                       -> (1, 77, C)
    encode        (1, H, W, 3) uint8 RGB              -> (1, L, H/8, W/8)
    unet          (1, L, h, w), (1, T), (1, 77, C)    -> (1, L, h, w) noise
    decode        (1, L, H/8, W/8)                    -> (1, H, W, 3) uint8 RGB

Other inputs and outputs are float32, whatever type the network computes in. The torch engine runs
these modules and the converters export them, so the two cannot differ.
"""

# mypy: disable-error-code="misc"
from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from diffusers.utils import logging as diffusers_logging
from torch import nn
from transformers import CLIPTextModel
from transformers.utils import logging as transformers_logging

from sdcam.errors import MissingError
from sdcam.models.folder import NETWORKS, ModelFolder


def load_modules(model: ModelFolder, names: Collection[str] = NETWORKS) -> dict[str, nn.Module]:
    """Modules by name, float32, on the CPU, ready to infer. Reads only the weights they need.

    Raises:
        MissingError: weights do not fit their configuration.
    """
    # Keep progress bars and advice to install accelerate out of the service's log.
    diffusers_logging.set_verbosity_error()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    modules: dict[str, nn.Module] = {}
    if "text_encoder" in names:
        folder = model.path / "text_encoder"
        modules["text_encoder"] = TextEncoder(
            _load(CLIPTextModel, folder, model.text_encoder_weights)
        )
    if "unet" in names:
        kind = unet_class(model.unet)
        modules["unet"] = UNet(_load(kind, model.path / "unet", model.unet_weights))
    if "encode" in names or "decode" in names:
        vae = _load(AutoencoderTiny, model.vae_folder, model.vae_weights)
        modules["encode"] = Encode(vae, model.patch, model.latent_factor)
        modules["decode"] = Decode(vae, model.patch, model.latent_factor)
    return {name: modules[name].eval().requires_grad_(False) for name in NETWORKS if name in names}


class NormFreeUNet(UNet2DConditionModel):
    """A UNet2DConditionModel without its group normalisations, for models trained without them.

    On a CPU they cost a tenth of the UNet's time, and they make every pixel depend on the whole
    picture. The config.json is the standard one but for `"_class_name": "NormFreeUNet"`.
    """

    @functools.wraps(UNet2DConditionModel.__init__)  # diffusers reads the signature
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for module in list(self.modules()):
            for name, child in module.named_children():
                if isinstance(child, nn.GroupNorm):
                    setattr(module, name, nn.Identity())


def unet_class(config: Mapping[str, Any]) -> Any:
    """The class that a UNet's config.json asks for."""
    kinds: dict[object, type[UNet2DConditionModel]] = {"NormFreeUNet": NormFreeUNet}
    return kinds.get(config.get("_class_name"), UNet2DConditionModel)


class TextEncoder(nn.Module):
    def __init__(self, text_encoder: CLIPTextModel) -> None:
        super().__init__()
        self.text_encoder = text_encoder

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.text_encoder(input_ids).last_hidden_state.float()


class Encode(nn.Module):
    """Patches of p x p pixels become channels. diffusers' encoder takes [-1, 1] and scales it to
    the [0, 1] of its layers; here the layers get the picture directly."""

    def __init__(self, vae: AutoencoderTiny, patch: int, factor: float) -> None:
        super().__init__()
        self.vae = nn.ModuleDict({"encoder": vae.encoder})
        self.patch = patch
        self.factor = factor

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        _, height, width, _ = image.shape
        p = self.patch
        # Pixels move while they are bytes: a quarter of the memory traffic.
        x = image.reshape(1, height // p, p, width // p, p, 3).permute(0, 5, 2, 4, 1, 3)
        x = x.reshape(1, 3 * p * p, height // p, width // p)
        layers = self.vae["encoder"].layers
        latent = layers((x.float() * (1 / 255)).to(layers[0].weight.dtype))
        return latent.float() * self.factor


class UNet(nn.Module):
    """The UNet behind its time embedding, which the host computes (models.time_embedding)."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        super().__init__()
        unet.get_time_embed = lambda sample, timestep: timestep.to(sample.dtype)
        unet.time_embedding = _Given()
        self.unet = unet

    def forward(
        self, sample: torch.Tensor, time_embedding: torch.Tensor, prompt_embeds: torch.Tensor
    ) -> torch.Tensor:
        own = self.unet.conv_in.weight.dtype
        (noise,) = self.unet(
            sample.to(own),
            time_embedding,
            encoder_hidden_states=prompt_embeds.to(own),
            return_dict=False,
        )
        return noise.float()


class Decode(nn.Module):
    def __init__(self, vae: AutoencoderTiny, patch: int, factor: float) -> None:
        super().__init__()
        self.vae = nn.ModuleDict({"decoder": vae.decoder})
        self.patch = patch
        self.factor = factor

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        _, _, height, width = latent.shape
        p = self.patch
        layers = self.vae["decoder"].layers
        x = torch.tanh(latent * (1 / (3 * self.factor))) * 3
        x = layers(x.to(layers[0].weight.dtype)).float()
        x = (x * 255).clamp(0, 255).round().to(torch.uint8)
        rows, columns = height * 8 // p, width * 8 // p
        x = x.reshape(1, 3, p, p, rows, columns).permute(0, 4, 2, 5, 3, 1)
        return x.reshape(1, rows * p, columns * p, 3)


class _Given(nn.Module):
    def forward(self, embedding: torch.Tensor, condition: object = None) -> torch.Tensor:
        return embedding


def _load(kind: Any, folder: Path, weights: Path) -> Any:
    """Never from a pickle, and never with a weight that is missing from the file: diffusers and
    transformers only warn and leave it random.

    Raises:
        MissingError: the weights are not those that the configuration asks for.
    """
    try:
        network, report = kind.from_pretrained(
            folder,
            variant="fp16" if ".fp16." in weights.name else None,
            use_safetensors=True,
            local_files_only=True,
            torch_dtype=torch.float32,
            output_loading_info=True,
        )
    except (RuntimeError, ValueError, OSError) as fault:
        raise _unfit(weights, "other shapes, or unreadable") from fault
    # A buffer of numbers from 0 to 76, which older checkpoints have.
    missing = sorted(name for name in report["missing_keys"] if "position_ids" not in name)
    if missing:
        raise _unfit(weights, f"{missing[0]} is missing")
    return network


def _unfit(weights: Path, why: str) -> MissingError:
    return MissingError(
        f"The weights {weights} do not fit the config.json beside them ({why}).",
        "Download the model again.",
    )
