"""What the engines share on the host: words become tokens, timesteps become vectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sdcam.arrays import Float, Pixels
from sdcam.models import ModelFolder
from sdcam.models.bundle import Bundle
from sdcam.models.folder import TOKENS
from sdcam.models.time_embedding import TimeEmbedding
from sdcam.pipeline.networks import NetworksSpec
from sdcam.pipeline.scheduler import NoiseSchedule

if TYPE_CHECKING:
    from sdcam.models.tokenizer import ClipTokenizer


@dataclass(frozen=True)
class HostSide:
    """The parts of a model that run on the host, whichever engine runs its networks. Tokenizer and
    time embedding are read at their first use: not every process of a model needs them."""

    spec: NetworksSpec
    schedule: NoiseSchedule
    source: ModelFolder | Bundle

    @classmethod
    def of(cls, model: ModelFolder, size: tuple[int, int], runtime: str) -> HostSide:
        """
        Args:
            size: (width, height) of the picture in pixels.
            runtime: what runs the networks, for the user.
        """
        spec = NetworksSpec(
            model=model.name,
            runtime=runtime,
            width=size[0],
            height=size[1],
            latent_channels=model.latent_channels,
            embed_channels=model.embed_channels,
            least_prompt_distance=model.least_prompt_distance,
        )
        return cls(spec, NoiseSchedule.from_config(model.scheduler), model)

    @classmethod
    def of_bundle(cls, bundle: Bundle, runtime: str) -> HostSide:
        card = bundle.card
        spec = NetworksSpec(
            model=card.model,
            runtime=runtime,
            width=card.width,
            height=card.height,
            latent_channels=card.latent_channels,
            embed_channels=card.embed_channels,
            least_prompt_distance=card.least_prompt_distance,
        )
        return cls(spec, NoiseSchedule.from_config(card.scheduler), bundle)

    @cached_property
    def tokenize(self) -> ClipTokenizer:
        from sdcam.models.tokenizer import ClipTokenizer

        return ClipTokenizer(self.source.path / "tokenizer")

    @cached_property
    def embed_time(self) -> TimeEmbedding:
        return TimeEmbedding(self.source)

    def picture(self) -> Pixels:
        """A black picture, (1, H, W, 3): with the batch axis that the networks have."""
        return np.zeros((1, self.spec.height, self.spec.width, 3), np.uint8)

    def latent(self) -> Float:
        """(1, L, H/8, W/8) zeros."""
        return np.zeros(self.spec.latent_shape, np.float32)

    def time(self) -> Float:
        """(1, T) zeros."""
        return np.zeros((1, self.embed_time.channels), np.float32)

    def prompt_embeds(self) -> Float:
        """(1, 77, C) zeros."""
        return np.zeros((1, TOKENS, self.spec.embed_channels), np.float32)
