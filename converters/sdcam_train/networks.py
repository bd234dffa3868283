"""The networks of `pocket`: diffusers and transformers classes, and their maths.

Shapes, for a frame of H x W (multiples of 16): pictures (N, 3, H, W) in [-1, 1]; folded pictures
(N, 3 * PATCH**2, H / PATCH, W / PATCH); latents (N, 36, H / 8, W / 8); text (N, 77, 64). The
autoencoder works on folded pictures (pixel-unshuffle outside the network), so that no convolution
runs at full resolution; readers infer the patch as sqrt(in_channels / 3).

Of a latent's 36 channels the first 32 hold the picture. The last four are the grain: the encoder
leaves them at zero and the decoder does not read them, so in a noisy latent they hold nothing but
noise. The painters take their brush marks from that noise, and the student learns to do the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderTiny, DDPMScheduler
from torch import Tensor
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel

from sdcam.engines.torch_modules import NormFreeUNet

PICTURE_CHANNELS = 32
GRAIN_CHANNELS = 4
LATENT_CHANNELS = PICTURE_CHANNELS + GRAIN_CHANNELS
TEXT_WIDTH = 64
TEXT_LENGTH = 77
# Of 77 words and phrases the styles' own are at 0.86 to 1.34, all others at 0.29 or less.
LEAST_PROMPT_DISTANCE = 0.5


@dataclass(frozen=True)
class Architecture:
    """The sizes that training may choose; stored in every checkpoint."""

    patch: int = 8
    encoder: tuple[int, int] = (64, 1)  # channels, residual blocks
    decoder: tuple[int, int] = (96, 1)
    unet: tuple[int, int] = (96, 128)


ARCHITECTURE = Architecture()

# Betas that fall to zero: the noise grows to 0.020 at strength 0.5 and stays near there (0.023 at
# 1), as the style does. So the grain has one amplitude wherever the style is complete, and the
# noise costs the picture no detail.
SCHEDULER: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 1.1e-6,
    "beta_end": 1e-9,
    "beta_schedule": "linear",
    "prediction_type": "epsilon",
    "clip_sample": False,
}
# While it trains, the UNet reads the grain at unit variance and its output is multiplied with what
# brings a prediction to the size of latent / noise, so that all weights are of one magnitude and
# learn at one rate. `fold_gains` moves both factors into the first and the last convolution.
GRAIN_GAIN = 50.0
OUTPUT_GAIN = 35.0


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


def unet(architecture: Architecture) -> NormFreeUNet:
    """Predicts the noise; the text enters, pooled, by scale and shift (FiLM).

    At full resolution there is one residual block, behind the half resolution's three: most of
    the work is done where it costs a quarter.
    """
    network: NormFreeUNet = NormFreeUNet(
        sample_size=64,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=architecture.unet,
        layers_per_block=(0, 1),
        down_block_types=("DownBlock2D", "DownBlock2D"),
        mid_block_type=None,
        up_block_types=("UpBlock2D", "UpBlock2D"),
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=8,
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
    )
    with torch.no_grad():  # residual blocks start as the identity, the whole UNet as "no style"
        for name, module in network.named_modules():
            if name.endswith("conv2") or name == "conv_out":
                torch.nn.init.zeros_(module.weight)
                torch.nn.init.zeros_(module.bias)
    return network


def predict_noise(network: NormFreeUNet, noisy: Tensor, timesteps: Tensor, text: Tensor) -> Tensor:
    """The prediction of a UNet in training, whose gains are not folded in yet."""
    noisy = torch.cat(
        [noisy[:, :PICTURE_CHANNELS], GRAIN_GAIN * noisy[:, PICTURE_CHANNELS:]], dim=1
    )
    predicted: Tensor = network(noisy, timesteps, encoder_hidden_states=text, return_dict=False)[0]
    return OUTPUT_GAIN * predicted


def fold_gains(network: NormFreeUNet) -> None:
    """Makes a trained UNet one that takes and gives plain noise."""
    with torch.no_grad():
        network.conv_in.weight[:, PICTURE_CHANNELS:] *= GRAIN_GAIN
        network.conv_out.weight *= OUTPUT_GAIN
        network.conv_out.bias *= OUTPUT_GAIN


def keep_grain_empty(vae: AutoencoderTiny) -> None:
    """Sets the autoencoder's weights of the grain channels to zero, and keeps them there."""
    last, first = vae.encoder.layers[-1], vae.decoder.layers[0]
    written = torch.ones(LATENT_CHANNELS)
    written[PICTURE_CHANNELS:] = 0
    for parameter, mask in (
        (last.weight, written.view(-1, 1, 1, 1)),
        (last.bias, written),
        (first.weight, written.view(1, -1, 1, 1)),
    ):
        with torch.no_grad():
            parameter.mul_(mask)
        parameter.register_hook(lambda gradient, mask=mask: gradient * mask.to(gradient.device))


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
    """Pictures (N, 3, H, W) in [-1, 1] to latents (N, 36, H / 8, W / 8)."""
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


Prediction = Callable[[Tensor, Tensor, Tensor], Tensor]


def one_step(
    predict: Prediction,
    latent: Tensor,
    noise: Tensor,
    timesteps: Tensor,
    text: Tensor,
    alphas: Tensor,
) -> Tensor:
    """Noises the latent (N, 36, h, w) to `timesteps` (N,) and takes it back in one step.

    `predict` gives the noise of (noisy latent, timesteps, text).
    x0 = latent + sqrt(1 - a) / sqrt(a) * (noise - eps), the form that is exact for small noise.
    """
    a = alphas[timesteps].view(-1, 1, 1, 1)
    signal, spread = a.sqrt(), (1 - a).sqrt()
    noisy = signal * latent + spread * noise
    return latent + (spread / signal) * (noise - predict(noisy, timesteps, text).float())


def architecture_of(state: Mapping[str, Any]) -> Architecture:
    """The sizes stored in a checkpoint."""
    stored = state["architecture"]
    return Architecture(
        stored["patch"], tuple(stored["encoder"]), tuple(stored["decoder"]), tuple(stored["unet"])
    )
