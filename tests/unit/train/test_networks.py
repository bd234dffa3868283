"""The networks have the shapes and sizes that the engines count on."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
# ruff: noqa: E402
from sdcam_train import networks, tasks


def millions(module: torch.nn.Module) -> float:
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


def test_a_frame_becomes_a_latent_an_eighth_as_wide_and_back() -> None:
    vae = networks.autoencoder(networks.ARCHITECTURE)
    picture = torch.rand(1, 3, 64, 96) * 2 - 1
    with torch.no_grad():
        latent = networks.encode(vae, picture)
        assert latent.shape == (1, 36, 8, 12)
        assert networks.decode(vae, latent).shape == picture.shape
    assert networks.patch_of(vae) == 8


def test_a_patch_of_four_needs_one_more_stage_and_gives_the_same_latent() -> None:
    vae = networks.autoencoder(networks.Architecture(patch=4, encoder=(64, 3), decoder=(64, 3)))
    with torch.no_grad():
        assert networks.encode(vae, torch.zeros(1, 3, 64, 64)).shape == (1, 36, 8, 8)


def test_the_whole_model_has_three_and_a_half_million_parameters() -> None:
    vae, unet = networks.autoencoder(networks.ARCHITECTURE), networks.unet(networks.ARCHITECTURE)
    text = networks.text_encoder(1500)
    assert 0.6 < millions(vae) < 0.9
    assert 2.2 < millions(unet) < 2.5
    assert millions(text) < 0.3


def test_one_step_with_a_perfect_prediction_gives_the_latent_back() -> None:
    noise = torch.randn(2, 36, 8, 8)
    latent = torch.randn(2, 36, 8, 8)

    def perfect(*_: object) -> torch.Tensor:
        return noise

    result = networks.one_step(
        perfect,
        latent,
        noise,
        torch.tensor([10, 999]),
        torch.zeros(2, 77, 64),
        networks.alphas_cumprod(),
    )
    torch.testing.assert_close(result, latent)


def test_strength_goes_from_the_first_timestep_to_the_last() -> None:
    assert networks.timestep(0.001) == 1
    assert networks.timestep(1.0) == 999
    assert tasks.style_amount(0.25) == 0.5
    assert tasks.style_amount(0.8) == 1.0


def test_the_grain_channels_stay_empty_in_the_autoencoder() -> None:
    vae = networks.autoencoder(networks.ARCHITECTURE)
    networks.keep_grain_empty(vae)
    optimizer = torch.optim.AdamW(vae.parameters(), lr=1e-2, weight_decay=1e-2)
    picture = torch.rand(1, 3, 32, 32) * 2 - 1
    for _ in range(2):
        latent = networks.encode(vae, picture)
        (networks.decode(vae, latent) - picture).square().mean().backward()
        optimizer.step()
    latent = networks.encode(vae, picture)
    assert not latent[:, 32:].any()
    grainy = latent.clone()
    grainy[:, 32:] = 1
    torch.testing.assert_close(networks.decode(vae, grainy), networks.decode(vae, latent))


def test_folding_the_gains_changes_no_prediction() -> None:
    torch.manual_seed(0)
    unet = networks.unet(networks.ARCHITECTURE)
    torch.nn.init.normal_(unet.conv_out.weight, std=0.1)
    noisy, text = torch.randn(1, 36, 8, 8), torch.randn(1, 77, 64)
    times = torch.tensor([499])
    with torch.no_grad():
        before = networks.predict_noise(unet, noisy, times, text)
        networks.fold_gains(unet)
        after = unet(noisy, times, encoder_hidden_states=text, return_dict=False)[0]
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)


def test_the_noise_has_one_amplitude_wherever_the_style_is_complete() -> None:
    spread = (1 - networks.alphas_cumprod()).sqrt()
    full = spread[networks.timestep(tasks.FULL_STYLE_STRENGTH)]
    assert 0.015 < full < 0.025
    assert spread[999] < 1.2 * full
