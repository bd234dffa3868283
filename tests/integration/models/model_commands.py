"""The words that these tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sdcam.models.catalogue import known

TINY = Path(__file__).parents[2] / "data" / "tiny-model"
UNET = "unet/diffusion_pytorch_model.safetensors"
SDXS = known("sdxs-512")
PULL = ["models", "pull", "sdxs-512", "--yes"]

Run = Callable[..., str]
