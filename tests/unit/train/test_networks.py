"""The networks have the shapes and sizes that the engines count on."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
# ruff: noqa: E402
from sdcam_train import networks


def millions(module: torch.nn.Module) -> float:
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


def test_a_frame_becomes_a_latent_an_eighth_as_wide_and_back() -> None:
    vae = networks.autoencoder(networks.AUTOENCODER)
    picture = torch.rand(1, 3, 64, 96) * 2 - 1
    with torch.no_grad():
        latent = networks.encode(vae, picture)
        assert latent.shape == (1, 32, 8, 12)
        assert networks.decode(vae, latent).shape == picture.shape
    assert networks.patch_of(vae) == 8


def test_a_patch_of_four_needs_one_more_stage_and_gives_the_same_latent() -> None:
    vae = networks.autoencoder(networks.Architecture(patch=4, encoder=(64, 3), decoder=(64, 3)))
    with torch.no_grad():
        assert networks.encode(vae, torch.zeros(1, 3, 64, 64)).shape == (1, 32, 8, 8)


def test_the_whole_model_has_five_million_parameters() -> None:
    vae, unet = networks.autoencoder(networks.AUTOENCODER), networks.unet(networks.AUTOENCODER)
    text = networks.text_encoder(1500)
    assert 1.4 < millions(vae) < 1.8
    assert 2.8 < millions(unet) < 3.3
    assert millions(text) < 0.3


def test_one_step_with_a_perfect_prediction_gives_the_latent_back() -> None:
    noise = torch.randn(2, 32, 8, 8)
    latent = torch.randn(2, 32, 8, 8)

    def perfect(*_: object, **__: object) -> tuple[torch.Tensor]:
        return (noise,)

    result = networks.one_step(
        perfect,  # type: ignore[arg-type]
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
    assert networks.style_amount(0.25) == 0.5
    assert networks.style_amount(0.8) == 1.0
