"""The modules that are traced compute what diffusers computes."""

from __future__ import annotations

import copy

import pytest
import torch
from diffusers.models.attention_processor import Attention, AttnProcessor
from diffusers.models.embeddings import AttentionPooling

from sdcam.engines.torch_modules import load_modules
from sdcam_convert.coreml.options import CoreMLOptions
from sdcam_convert.coreml.programs import build_program
from sdcam_convert.coreml.tracing import Pooling, SplitEinsum

SIZE = {"width": 384, "height": 320}


@pytest.fixture
def picture():
    return torch.randint(0, 256, (1, 3, 320, 384), generator=torch.Generator().manual_seed(0))


def test_the_encoder_is_the_other_engines_encoder(tiny_model, picture):
    program = build_program("encode", tiny_model, CoreMLOptions(**SIZE))
    bytes_ = picture.permute(0, 2, 3, 1).to(torch.uint8)
    theirs = load_modules(tiny_model, ["encode"])["encode"](bytes_)
    torch.testing.assert_close(program.module(picture.float()), theirs)


def test_the_decoder_is_the_other_engines_decoder(tiny_model):
    program = build_program("decode", tiny_model, CoreMLOptions(**SIZE))
    latent = torch.randn(1, 4, 40, 48, generator=torch.Generator().manual_seed(0))
    theirs = load_modules(tiny_model, ["decode"])["decode"](latent)
    ours = program.module(latent).round().permute(0, 2, 3, 1)
    torch.testing.assert_close(ours, theirs.float(), atol=1, rtol=0)


def test_the_fused_frame_is_one_step_of_img2img(tiny_model, picture):
    fused = build_program("fused", tiny_model, CoreMLOptions(**SIZE))
    random = torch.Generator().manual_seed(1)
    given = {b.name: torch.randn(b.shape, generator=random) for b in fused.inputs}
    given["image"] = picture.float()
    given["feedback"], alpha = torch.tensor([0.25]), torch.tensor([0.36])
    given["sqrt_alpha"], given["sqrt_one_minus_alpha"] = alpha.sqrt(), (1 - alpha).sqrt()
    styled, latent = fused.module(*given.values())

    parts = {
        name: build_program(name, tiny_model, CoreMLOptions(**SIZE)).module
        for name in ("encode", "unet", "decode")
    }
    clean = 0.75 * parts["encode"](given["image"]) + 0.25 * given["previous_latent"]
    noisy = 0.6 * clean + 0.8 * given["noise"]
    predicted = parts["unet"](noisy, given["time_embedding"], given["prompt_embeds"])
    expected = (noisy - 0.8 * predicted) / 0.6
    torch.testing.assert_close(latent, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(styled, parts["decode"](expected), atol=0.1, rtol=0)


def test_the_stateful_program_hands_its_latent_to_the_next_frame(tiny_model, picture):
    stateful = build_program(
        "fused", tiny_model, CoreMLOptions(**SIZE, stateful=True, target="macOS15")
    )
    plain = build_program("fused", tiny_model, CoreMLOptions(**SIZE))
    given = {b.name: torch.full(b.shape, 0.5) for b in plain.inputs}
    given["previous_latent"] = torch.zeros(1, 4, 40, 48)
    without = {name: value for name, value in given.items() if name != "previous_latent"}
    for _ in range(3):
        _, ours = stateful.module(*without.values())
        _, theirs = plain.module(*given.values())
        torch.testing.assert_close(ours, theirs, atol=5e-3, rtol=5e-3)
        given["previous_latent"] = theirs


@pytest.mark.parametrize("cross", [False, True])
def test_split_einsum_is_attention(cross):
    torch.manual_seed(0)
    attention = Attention(
        query_dim=12, cross_attention_dim=8 if cross else None, heads=3, dim_head=4
    )
    hidden, prompt = torch.randn(1, 20, 12), torch.randn(1, 77, 8) if cross else None
    theirs = AttnProcessor()(attention, hidden, prompt)
    torch.testing.assert_close(SplitEinsum()(attention, hidden, prompt), theirs)


def test_pooling_in_four_dimensions_is_diffusers_pooling():
    torch.manual_seed(0)
    pooling = AttentionPooling(num_heads=2, embed_dim=8)
    x = torch.randn(1, 77, 8)
    torch.testing.assert_close(Pooling(copy.deepcopy(pooling)).forward(x), pooling(x))
