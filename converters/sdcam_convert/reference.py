"""The PyTorch reference that converted programs are measured against, in float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from sdcam.engines.torch_modules import load_modules
from sdcam.models import ModelFolder
from sdcam.models.folder import LATENT_SCALE
from sdcam.models.time_embedding import TimeEmbedding
from sdcam.models.tokenizer import ClipTokenizer
from sdcam.pipeline.scheduler import NoiseSchedule

Array = NDArray[Any]

PROMPTS = (
    "oil painting style, masterpiece, highly detailed",
    "a pencil sketch of a café by the sea, 35mm",
    "",
)
TIMESTEPS = (999, 600, 250)
FEEDBACK = 0.3


@dataclass(frozen=True)
class Frame:
    """What one step of img2img takes, and what it gives."""

    timestep: int
    image: Array  # RGB (H, W, 3) uint8
    noise: Array  # (1, L, H/8, W/8), as the other latents
    previous_latent: Array
    time_embedding: Array  # (1, T)
    prompt_embeds: Array  # (1, 77, C)
    sqrt_alpha: float
    sqrt_one_minus_alpha: float
    clean: Array  # the encoder's latent, before feedback
    noisy: Array
    predicted: Array  # the UNet's noise
    latent: Array  # x0
    styled: Array  # RGB (H, W, 3) float32, 0 to 255, not rounded


class Reference:
    """
    Args:
        model: the checkpoint.
        size: (width, height) in pixels.
        seed: of pictures and noise.
    """

    def __init__(self, model: ModelFolder, size: tuple[int, int], seed: int = 0) -> None:
        self._model = model
        self._size = size
        self._random = np.random.default_rng(seed)
        self._modules = load_modules(model)
        self._schedule = NoiseSchedule.from_config(model.scheduler)
        self._embed_time = TimeEmbedding(model)
        self._tokenize = ClipTokenizer(model.tokenizer)

    def prompts(self) -> dict[str, Array]:
        """Prompt embeddings (1, 77, C) by text."""
        return {text: self._run("text_encoder", self._tokenize(text)) for text in PROMPTS}

    def frames(self, prompt_embeds: Array, carry: bool = False) -> list[Frame]:
        """One frame for each of `TIMESTEPS`, each of a picture of its own.

        Args:
            prompt_embeds: (1, 77, C).
            carry: a frame's latent is the next one's previous latent, and the first has zeros;
                else each has the latent of another picture.
        """
        previous = np.zeros(self._latent_shape, np.float32)
        frames = []
        for timestep in TIMESTEPS:
            if not carry:
                previous = self._run("encode", self._picture()[None])
            frames.append(self._frame(timestep, previous, prompt_embeds))
            previous = frames[-1].latent
        return frames

    def _frame(self, timestep: int, previous: Array, prompt_embeds: Array) -> Frame:
        """The equations of sdcam.pipeline.denoise, written out."""
        level = self._schedule.level(timestep)
        image = self._picture()
        noise = self._random.standard_normal(self._latent_shape, dtype=np.float32)
        time_embedding = self._embed_time(timestep)
        encoded = self._run("encode", image[None])
        clean = encoded + np.float32(FEEDBACK) * (previous - encoded)
        a, b = np.float32(level.sqrt_alpha), np.float32(level.sqrt_one_minus_alpha)
        noisy = a * clean + b * noise
        predicted = self._run("unet", noisy, time_embedding, prompt_embeds)
        latent = clean + (b / a) * (noise - predicted)
        return Frame(
            timestep=timestep,
            image=image,
            noise=noise,
            previous_latent=previous,
            time_embedding=time_embedding,
            prompt_embeds=prompt_embeds,
            sqrt_alpha=level.sqrt_alpha,
            sqrt_one_minus_alpha=level.sqrt_one_minus_alpha,
            clean=encoded,
            noisy=noisy,
            predicted=predicted,
            latent=latent,
            styled=self._decode(latent),
        )

    def _decode(self, latent: Array) -> Array:
        """The module `decode` without its last step, the rounding to bytes."""
        factor, patch = self._model.latent_factor, self._model.patch
        layers = self._modules["decode"].vae["decoder"].layers
        with torch.inference_mode():
            x = layers(torch.tanh(torch.from_numpy(latent) / (3 * factor)) * 3)
            x = torch.nn.functional.pixel_shuffle((x * 255).clamp(0, 255), patch)
        picture: Array = x[0].permute(1, 2, 0).numpy()
        return picture

    def _run(self, module: str, *inputs: Array) -> Array:
        with torch.inference_mode():
            result: Array = self._modules[module](*map(torch.from_numpy, inputs)).numpy()
        return result

    def _picture(self) -> Array:
        """Soft shapes under a little grain: as varied as a camera's picture."""
        width, height = self._size
        coarse = self._random.integers(0, 256, (height // 32, width // 32, 3)).astype(np.float32)
        shapes = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        grain = self._random.normal(scale=6, size=shapes.shape)
        picture: Array = np.clip(np.rint(shapes + grain), 0, 255).astype(np.uint8)
        return picture

    @property
    def _latent_shape(self) -> tuple[int, int, int, int]:
        width, height = self._size
        return (1, self._model.latent_channels, height // LATENT_SCALE, width // LATENT_SCALE)
