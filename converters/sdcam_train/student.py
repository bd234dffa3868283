"""The trained model as one callable: frame, prompt, strength in; painted frame out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from diffusers import AutoencoderTiny, DDPMScheduler
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from sdcam.engines.torch_modules import unet_class
from sdcam.pipeline.denoise import fixed_noise

from . import networks, tokens
from .stage import load

Pixels = npt.NDArray[np.uint8]
SEED = 42  # of the noise, which stays the same from frame to frame


def to_tensor(pixels: npt.NDArray[Any]) -> Tensor:
    """RGB (H, W, 3) in 0 to 255 as a tensor (1, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None] / 127.5 - 1


def to_floats(picture: Tensor) -> npt.NDArray[np.float32]:
    """A tensor (1, 3, H, W) in [-1, 1] as RGB float32 (H, W, 3) in 0 to 255, not rounded."""
    scaled = (picture[0].permute(1, 2, 0).clamp(-1, 1) + 1) * 127.5
    return np.asarray(scaled.numpy(), np.float32)


def to_pixels(picture: Tensor) -> Pixels:
    """The same, rounded to uint8."""
    return np.asarray(np.round(to_floats(picture)), np.uint8)


@dataclass
class Student:
    """Tokenizer and networks in evaluation mode, float32 on the CPU."""

    tokenizer: CLIPTokenizer
    text_encoder: CLIPTextModel
    unet: torch.nn.Module
    vae: AutoencoderTiny
    alphas: Tensor

    @classmethod
    def from_checkpoint(cls, path: Path, tokenizer: CLIPTokenizer) -> Student:
        """The averaged weights of a checkpoint of the joint stage."""
        state = load(path)
        architecture = networks.architecture_of(state)
        text = networks.text_encoder(len(tokenizer))
        unet, vae = networks.unet(architecture), networks.autoencoder(architecture)
        for name, module in (("text_encoder", text), ("unet", unet), ("vae", vae)):
            module.load_state_dict(state["averages"][name])
            module.eval()
        networks.fold_gains(unet)
        return cls(tokenizer, text, unet, vae, networks.alphas_cumprod())

    @classmethod
    def from_folder(cls, folder: Path) -> Student:
        """An exported model, a diffusers folder."""
        scheduler = DDPMScheduler.from_pretrained(folder / "scheduler")
        return cls(
            CLIPTokenizer.from_pretrained(folder / "tokenizer"),
            CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32).eval(),
            unet_class(json.loads((folder / "unet" / "config.json").read_text("utf-8")))
            .from_pretrained(folder / "unet", torch_dtype=torch.float32, low_cpu_mem_usage=False)
            .eval(),
            AutoencoderTiny.from_pretrained(
                folder / "vae", torch_dtype=torch.float32, low_cpu_mem_usage=False
            ).eval(),
            scheduler.alphas_cumprod,
        )

    def noise(self, height: int, width: int) -> Tensor:
        """The fixed noise for a frame of that size, the one that the service draws."""
        shape = (1, int(self.vae.config.latent_channels), height // 8, width // 8)
        return torch.from_numpy(fixed_noise(SEED, shape))

    def grain(self, height: int, width: int) -> npt.NDArray[np.float32]:
        """What the painters take their strokes from, (H / 8, W / 8, 4): the last channels of it."""
        last = self.noise(height, width)[0, -networks.GRAIN_CHANNELS :]
        return np.ascontiguousarray(last.permute(1, 2, 0).numpy())

    def embed(self, prompt: str) -> Tensor:
        """A prompt as (1, 77, 64)."""
        with torch.inference_mode():
            return tokens.embed(self.tokenizer, self.text_encoder, [prompt])

    def latent(self, pixels: npt.NDArray[Any]) -> Tensor:
        """A frame (H, W, 3) in 0 to 255 as its latent."""
        with torch.inference_mode():
            return networks.encode(self.vae, to_tensor(pixels))

    def paint(self, latent: Tensor, text: Tensor, strength: float) -> Tensor:
        """One denoising step on a latent; strength 0 leaves it as it is."""
        if strength <= 0:
            return latent
        noise = self.noise(latent.shape[2] * 8, latent.shape[3] * 8)
        steps = torch.tensor([networks.timestep(strength)])
        with torch.inference_mode():
            return networks.one_step(self._predict, latent, noise, steps, text, self.alphas)

    def _predict(self, noisy: Tensor, timesteps: Tensor, text: Tensor) -> Tensor:
        predicted: Tensor = self.unet(
            noisy, timesteps, encoder_hidden_states=text, return_dict=False
        )[0]
        return predicted

    def picture(self, latent: Tensor) -> Tensor:
        """A latent as a picture (1, 3, H, W) in about [-1, 1]."""
        with torch.inference_mode():
            return networks.decode(self.vae, latent)

    def __call__(self, pixels: npt.NDArray[Any], prompt: str, strength: float = 0.5) -> Pixels:
        """A frame (H, W, 3), H and W multiples of 16, painted as the prompt says."""
        painted = self.paint(self.latent(pixels), self.embed(prompt), strength)
        return to_pixels(self.picture(painted))
