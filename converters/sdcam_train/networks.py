"""The networks of `pocket`, all of them real diffusers and transformers classes, and their maths.

Shapes, for a frame of H x W (multiples of 16): pictures (N, 3, H, W) in [-1, 1]; folded pictures
(N, 3 * PATCH**2, H / PATCH, W / PATCH); latents (N, 32, H / 8, W / 8) of about unit variance; text
(N, 77, 64). The autoencoder works on folded pictures (pixel-unshuffle outside the network), so that
no convolution runs at full resolution; readers infer the patch as sqrt(in_channels / 3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diffusers import AutoencoderTiny, DDPMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel

LATENT_CHANNELS = 32
TEXT_WIDTH = 64
TEXT_LENGTH = 77
FULL_STYLE_STRENGTH = 0.5  # from here on the style is complete
# Of 77 words and phrases the styles' own are at 0.86 to 1.34, all others at 0.29 or less.
LEAST_PROMPT_DISTANCE = 0.5


@dataclass(frozen=True)
class Architecture:
    """The sizes that training may choose; stored in every checkpoint."""

    patch: int = 8
    encoder: tuple[int, int] = (96, 1)  # channels, residual blocks
    decoder: tuple[int, int] = (128, 2)
    unet: tuple[int, int] = (64, 128)


AUTOENCODER = Architecture()

# Betas this small keep the camera's picture: noise of a standard deviation of 0.036 at strength 0.5
# and 0.07 at 1 costs no detail, and the ratio of style to noise stays even over t.
SCHEDULER: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 1e-7,
    "beta_end": 1e-5,
    "beta_schedule": "linear",
    "prediction_type": "epsilon",
    "clip_sample": False,
}


def autoencoder(architecture: Architecture) -> AutoencoderTiny:
    """Encoder and decoder on folded pictures, one stage for each halving between patch and cell."""
    stages = int(math.log2(8 // architecture.patch)) + 1
    folded = 3 * architecture.patch**2
    (encoder_width, encoder_blocks), (decoder_width, decoder_blocks) = (
        architecture.encoder,
        architecture.decoder,
    )
    return AutoencoderTiny(
        in_channels=folded,
        out_channels=folded,
        encoder_block_out_channels=(encoder_width,) * stages,
        decoder_block_out_channels=(decoder_width,) * stages,
        num_encoder_blocks=(0,) * (stages - 1) + (encoder_blocks,),
        num_decoder_blocks=(decoder_blocks,) + (1,) * (stages - 1),
        latent_channels=LATENT_CHANNELS,
        scaling_factor=1.0,
    )


def unet(architecture: Architecture) -> UNet2DConditionModel:
    """Predicts the noise; text enters by cross-attention and, pooled, by scale and shift (FiLM)."""
    network = UNet2DConditionModel(
        sample_size=64,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=architecture.unet,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        mid_block_type=None,
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        only_cross_attention=True,  # self-attention cost a quarter of the time
        norm_num_groups=8,
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
    )
    network.set_attn_processor(AttnProcessor())  # the fused one's backward is slow on a CPU
    return network


def text_encoder(vocabulary: int) -> CLIPTextModel:
    """A CLIP text model of two layers; the last two tokens are start and end."""
    encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=TEXT_WIDTH,
            intermediate_size=2 * TEXT_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=TEXT_LENGTH,
            projection_dim=TEXT_WIDTH,
            hidden_act="quick_gelu",
            bos_token_id=vocabulary - 2,
            eos_token_id=vocabulary - 1,
            pad_token_id=vocabulary - 1,
            least_prompt_distance=LEAST_PROMPT_DISTANCE,
        )
    )
    encoder.set_attn_implementation("eager")  # as for the UNet
    return encoder


def patch_of(vae: AutoencoderTiny) -> int:
    """The edge of the pixel patches that the autoencoder takes as channels."""
    return math.isqrt(int(vae.config.in_channels) // 3)


def encode(vae: AutoencoderTiny, picture: Tensor) -> Tensor:
    """Pictures (N, 3, H, W) in [-1, 1] to latents (N, 32, H / 8, W / 8)."""
    return vae.encoder(functional.pixel_unshuffle(picture, patch_of(vae)))


def decode(vae: AutoencoderTiny, latent: Tensor) -> Tensor:
    """Latents to pictures, about [-1, 1], not clipped."""
    return functional.pixel_shuffle(vae.decoder(latent), patch_of(vae))


def alphas_cumprod() -> Tensor:
    """The product of (1 - beta) up to each timestep, float32 (1000,)."""
    return DDPMScheduler(**SCHEDULER).alphas_cumprod


def timestep(strength: float) -> int:
    """Strength in (0, 1] to the timestep it starts from."""
    return max(1, min(999, round(strength * 999)))


def style_amount(strength: float) -> float:
    """How much of the style a strength asks for, 0 to 1."""
    return min(1.0, strength / FULL_STYLE_STRENGTH)


def one_step(
    network: UNet2DConditionModel,
    latent: Tensor,
    noise: Tensor,
    timesteps: Tensor,
    text: Tensor,
    alphas: Tensor,
) -> Tensor:
    """Noises the latent (N, 32, h, w) to `timesteps` (N,) and takes it back in one step.

    x0 = latent + sqrt(1 - a) / sqrt(a) * (noise - eps), the form that is exact for small noise.
    """
    a = alphas[timesteps].view(-1, 1, 1, 1)
    signal, spread = a.sqrt(), (1 - a).sqrt()
    noisy = signal * latent + spread * noise
    predicted = network(noisy, timesteps, encoder_hidden_states=text, return_dict=False)[0]
    return latent + (spread / signal) * (noise - predicted.float())


def architecture_of(state: Mapping[str, Any]) -> Architecture:
    """The sizes stored in a checkpoint."""
    stored = state["architecture"]
    return Architecture(
        stored["patch"], tuple(stored["encoder"]), tuple(stored["decoder"]), tuple(stored["unet"])
    )
