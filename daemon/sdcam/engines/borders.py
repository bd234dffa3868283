"""What the engines share: the words of a model become arrays, its timesteps vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdcam.models import ModelFolder
from sdcam.models.folder import TOKENS
from sdcam.models.time_embedding import TimeEmbedding
from sdcam.models.tokenizer import ClipTokenizer
from sdcam.pipeline.networks import NetworksSpec
from sdcam.pipeline.scheduler import NoiseSchedule

Float = NDArray[np.float32]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Borders:
    """The parts of a model that run on the host, whoever runs its networks."""

    spec: NetworksSpec
    schedule: NoiseSchedule
    tokenize: ClipTokenizer
    embed_time: TimeEmbedding

    @classmethod
    def of(cls, model: ModelFolder, size: tuple[int, int], runtime: str) -> Borders:
        spec = NetworksSpec(
            model=model.name,
            runtime=runtime,
            width=size[0],
            height=size[1],
            latent_channels=model.latent_channels,
            embed_channels=model.embed_channels,
        )
        return cls(
            spec=spec,
            schedule=NoiseSchedule.from_config(model.scheduler),
            tokenize=ClipTokenizer(model.tokenizer),
            embed_time=TimeEmbedding(model),
        )

    def picture(self) -> Pixels:
        """An empty picture with the batch axis that the networks have."""
        return np.zeros((1, self.spec.height, self.spec.width, 3), np.uint8)

    def latent(self) -> Float:
        return np.zeros(self.spec.latent_shape, np.float32)

    def prompt_embeds(self) -> Float:
        return np.zeros((1, TOKENS, self.spec.embed_channels), np.float32)
