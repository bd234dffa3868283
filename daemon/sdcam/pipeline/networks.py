"""What the maths needs of a model: its networks as functions on arrays, whoever runs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sdcam.arrays import Float, Pixels
from sdcam.pipeline.scheduler import NoiseLevel, NoiseSchedule


@dataclass(frozen=True)
class NetworksSpec:
    """What runs, and the shapes it takes."""

    model: str  # "pocket"
    runtime: str  # "openvino 2026.4 bf16"
    width: int  # of the picture, pixels
    height: int
    latent_channels: int
    embed_channels: int
    least_prompt_distance: float = 0.0  # see `ModelFolder`

    @property
    def latent_shape(self) -> tuple[int, int, int, int]:
        """(1, L, H/8, W/8)"""
        return (1, self.latent_channels, self.height // 8, self.width // 8)


class Networks(Protocol):
    """The networks of one latent diffusion model, loaded and warm.

    An implementation owns its arrays: what a call returns is valid until the next call of the
    same method. Calls come from one thread.
    """

    spec: NetworksSpec
    schedule: NoiseSchedule

    def embed(self, prompt: str) -> Float:
        """Tokenizer and text encoder: prompt embedding, (1, 77, C)."""
        ...

    def encode(self, image: Pixels) -> Float:
        """Encoder: RGB picture (H, W, 3) to its latent (1, L, H/8, W/8)."""
        ...

    def predict_noise(self, latent: Float, timestep: int, prompt_embeds: Float) -> Float:
        """UNet: the noise (epsilon) in a noisy latent at a timestep, of the latent's shape."""
        ...

    def decode(self, latent: Float, out: Pixels) -> None:
        """Decoder: latent to RGB picture, written into `out` (H, W, 3)."""
        ...

    def close(self) -> None: ...


class FusedNetworks(Protocol):
    """The networks of a frame as one program; ownership as in `Networks`."""

    spec: NetworksSpec
    schedule: NoiseSchedule

    def embed(self, prompt: str) -> Float:
        """As in `Networks`."""
        ...

    def stylize(
        self,
        image: Pixels,
        prompt_embeds: Float,
        noise: Float,
        previous: Float,
        level: NoiseLevel,
        feedback: float,
        out: Pixels,
    ) -> Float:
        """One step of img2img, the equations of `sdcam.pipeline.denoise`.

        Args:
            image: RGB picture (H, W, 3).
            noise, previous: (1, L, H/8, W/8); the latter is the latent of the frame before.
            feedback: share of `previous` in the clean latent, 0 to 1.
            out: gets the styled picture, RGB (H, W, 3).

        Returns:
            The denoised latent (1, L, H/8, W/8).
        """
        ...

    def close(self) -> None: ...
