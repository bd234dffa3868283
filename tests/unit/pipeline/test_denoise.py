"""The denoiser against a reference written from the equations, in float64."""

from __future__ import annotations

import numpy as np
import pytest

from sdcam.pipeline.denoise import Denoiser, fixed_noise
from sdcam.pipeline.networks import NetworksSpec
from sdcam.pipeline.scheduler import NoiseSchedule

SHAPE = (1, 4, 8, 8)
SDXS = NoiseSchedule.from_config(
    {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
)


class LinearNetworks:
    """A UNet that can be written down: eps = 0.5 * latent + t / 1000 + mean of the prompt."""

    spec = NetworksSpec("linear", "numpy", 64, 64, 4, 3)
    schedule = SDXS

    def predict_noise(self, latent, timestep, prompt_embeds):
        return (0.5 * latent + timestep / 1000 + prompt_embeds.mean()).astype(np.float32)


def reference(encoded, previous, levels, noise, embeds, feedback):
    clean = encoded.astype(np.float64)
    if previous is not None:
        clean = (1 - feedback) * clean + feedback * previous
    for level in levels:
        noisy = level.sqrt_alpha * clean + level.sqrt_one_minus_alpha * noise
        eps = 0.5 * noisy + level.timestep / 1000 + embeds.mean()
        clean = (noisy - level.sqrt_one_minus_alpha * eps) / level.sqrt_alpha
    return clean


@pytest.mark.parametrize("steps", [1, 2, 4])
@pytest.mark.parametrize("feedback", [0.0, 0.3])
def test_equals_the_equations_over_several_frames(steps, feedback):
    random = np.random.default_rng(1)
    embeds = random.standard_normal((1, 77, 3)).astype(np.float32)
    noise = fixed_noise(42, SHAPE)
    denoise = Denoiser(LinearNetworks())
    levels = SDXS.levels(0.8, steps)
    previous = None
    for _ in range(3):
        encoded = random.standard_normal(SHAPE).astype(np.float32)
        expected = reference(encoded, previous, levels, noise, embeds, feedback)
        got = denoise(encoded, levels, noise, embeds, feedback)
        np.testing.assert_allclose(got, expected, rtol=2e-4, atol=2e-4 * abs(expected).max())
        previous = expected


def test_no_levels_leave_the_camera_as_it_is():
    encoded = fixed_noise(1, SHAPE)
    got = Denoiser(LinearNetworks())(encoded, (), fixed_noise(2, SHAPE), np.zeros((1, 77, 3)), 0.0)
    np.testing.assert_array_equal(got, encoded)


def test_the_input_is_not_changed():
    encoded = fixed_noise(1, SHAPE)
    before = encoded.copy()
    denoise = Denoiser(LinearNetworks())
    for _ in range(2):
        denoise(encoded, SDXS.levels(1.0, 2), fixed_noise(2, SHAPE), np.zeros((1, 77, 3)), 0.5)
    np.testing.assert_array_equal(encoded, before)


def test_forgetting_ends_the_feedback():
    encoded, noise = fixed_noise(1, SHAPE), fixed_noise(2, SHAPE)
    embeds = np.zeros((1, 77, 3), np.float32)
    denoise = Denoiser(LinearNetworks())
    first = denoise(encoded, SDXS.levels(0.5, 1), noise, embeds, 0.5).copy()
    second = denoise(encoded, SDXS.levels(0.5, 1), noise, embeds, 0.5).copy()
    denoise.forget()
    third = denoise(encoded, SDXS.levels(0.5, 1), noise, embeds, 0.5).copy()
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, third)


def test_noise_is_the_same_for_a_seed_and_standard_normal():
    noise = fixed_noise(42, (1, 4, 64, 64))
    np.testing.assert_array_equal(noise, fixed_noise(42, (1, 4, 64, 64)))
    assert not np.array_equal(noise, fixed_noise(43, (1, 4, 64, 64)))
    assert noise.dtype == np.float32
    assert abs(noise.mean()) < 0.05
    assert abs(noise.std() - 1) < 0.05
