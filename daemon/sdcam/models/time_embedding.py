"""The UNet's embedding of a timestep, computed here in float32.

Half precision ruins the sinusoid of a large timestep (7 % off at t = 999), so the graphs take the
finished vector, Linear(act(Linear(sinusoid(t)))), as in diffusers' `Timesteps` and
`TimestepEmbedding`. It is computed once for each timestep.
"""

from __future__ import annotations

import math

import numpy as np

from sdcam.arrays import Float
from sdcam.errors import MissingError
from sdcam.models.bundle import Bundle
from sdcam.models.catalogue import TAKE_ANOTHER
from sdcam.models.folder import ModelFolder
from sdcam.models.weights import WeightsFile

_LONGEST_PERIOD = 10_000
_IN_BUNDLE = "time_embedding.safetensors"


class TimeEmbedding:
    """
    Args:
        model: a checkpoint, or what was converted from one; the weights are the same.

    Raises:
        MissingError: the model embeds time in an unknown way.
    """

    def __init__(self, model: ModelFolder | Bundle) -> None:
        if isinstance(model, Bundle):
            weights = WeightsFile.open(model.path / _IN_BUNDLE)
            self._cosine_first = model.card.flip_sin_to_cos
            self._shift = model.card.freq_shift
        else:
            _refuse_other_embeddings(model)
            weights = WeightsFile.open(model.unet_weights)
            self._cosine_first = bool(model.unet.get("flip_sin_to_cos", True))
            self._shift = float(model.unet.get("freq_shift", 0))
        self._w1 = weights.read("time_embedding.linear_1.weight")
        self._b1 = weights.read("time_embedding.linear_1.bias")
        self._w2 = weights.read("time_embedding.linear_2.weight")
        self._b2 = weights.read("time_embedding.linear_2.bias")
        self._known: dict[int, Float] = {}

    @property
    def channels(self) -> int:
        return int(self._b2.shape[0])

    def __call__(self, timestep: int) -> Float:
        """(1, T) float32; the same array for the same timestep."""
        if timestep not in self._known:
            hidden: Float = self._w1 @ self._sinusoid(timestep) + self._b1
            hidden *= 1.0 / (1.0 + np.exp(-hidden))  # SiLU
            self._known[timestep] = (self._w2 @ hidden + self._b2)[None].astype(np.float32)
        return self._known[timestep]

    def _sinusoid(self, timestep: int) -> Float:
        half = self._w1.shape[1] // 2
        exponent = -math.log(_LONGEST_PERIOD) * np.arange(half) / (half - self._shift)
        angle = timestep * np.exp(exponent)
        waves = (
            (np.cos(angle), np.sin(angle)) if self._cosine_first else (np.sin(angle), np.cos(angle))
        )
        sinusoid: Float = np.concatenate(waves).astype(np.float32)
        return sinusoid


def _refuse_other_embeddings(model: ModelFolder) -> None:
    config = model.unet
    if (
        config.get("time_embedding_type", "positional") != "positional"
        or config.get("act_fn", "silu") not in ("silu", "swish")
        or config.get("time_embedding_act_fn") is not None
        or config.get("timestep_post_act") is not None
        or config.get("time_cond_proj_dim") is not None
        or config.get("class_embed_type") is not None
    ):
        raise MissingError(
            f"The UNet in {model.path} embeds the timestep in an unknown way.",
            TAKE_ANOTHER,
        )
