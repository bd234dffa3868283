"""The embedding of a timestep equals the one inside of diffusers' UNet."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sdcam.errors import MissingError
from sdcam.models import ModelFolder
from sdcam.models.time_embedding import TimeEmbedding


def test_it_equals_diffusers_at_all_noise_levels(tiny_model, references, relative):
    embed = TimeEmbedding(tiny_model)
    for timestep, theirs in zip(
        references["timesteps"], references["time_embeddings"], strict=True
    ):
        ours = embed(int(timestep))
        assert ours.dtype == np.float32
        assert ours.shape == (1, embed.channels)
        assert relative(ours[0], theirs) < 1e-6


def test_a_timestep_is_computed_once(tiny_model):
    embed = TimeEmbedding(tiny_model)
    assert embed(499) is embed(499)
    assert not np.array_equal(embed(499), embed(500))


def test_sine_and_cosine_stand_in_the_order_of_the_checkpoint(tiny_copy, tiny_model):
    config = tiny_copy / "unet" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "flip_sin_to_cos": False}))
    other = TimeEmbedding(ModelFolder.open(tiny_copy))
    assert not np.allclose(other(499), TimeEmbedding(tiny_model)(499))


def test_another_kind_of_embedding_is_refused(tiny_copy):
    config = tiny_copy / "unet" / "config.json"
    config.write_text(
        json.dumps({**json.loads(config.read_text()), "class_embed_type": "timestep"})
    )
    with pytest.raises(MissingError, match="embeds the timestep"):
        TimeEmbedding(ModelFolder.open(tiny_copy))
