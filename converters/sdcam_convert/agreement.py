"""How far the CPU graphs are from diffusers itself: plain pipeline calls, none of our modules."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny
from diffusers.utils import logging as diffusers_logging
from torch.nn.functional import pixel_shuffle, pixel_unshuffle
from transformers import AutoTokenizer, CLIPTextModel
from transformers.utils import logging as transformers_logging

from sdcam.engines.single_process import open_engine
from sdcam.engines.torch_modules import unet_class
from sdcam.models import ModelFolder

TOLERANCE = {  # relative L2; bytes may fall to the other side of a half
    "text_encoder": 1e-4,
    "encode": 1e-4,
    "unet": 1e-4,
    "decode": 1e-3,
}

_PROMPT = "an oil painting of a harbour at dusk, 35mm"
_TIMESTEP = 499


def cpu_agreement(model: ModelFolder, size: tuple[int, int] = (192, 128)) -> dict[str, float]:
    """Relative L2 difference of each network between the graphs (OpenVINO, float32) and diffusers.

    Args:
        size: (width, height) of the picture; not square, so that mixed-up axes show.
    """
    width, height = size
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    networks = open_engine("openvino:f32", model, size)
    noise = random.standard_normal(networks.spec.latent_shape, dtype=np.float32)
    styled = np.empty_like(image)
    embeds = networks.embed(_PROMPT).copy()
    ours = {
        "text_encoder": embeds,
        "encode": networks.encode(image),
        "unet": networks.predict_noise(noise, _TIMESTEP, embeds),
    }
    networks.decode(noise, styled)
    ours["decode"] = styled
    theirs = diffusers_results(model, _PROMPT, image, noise, _TIMESTEP)
    networks.close()
    return {network: _relative(ours[network], theirs[network]) for network in ours}


def diffusers_results(
    model: ModelFolder, prompt: str, image: Any, latent: Any, timestep: int
) -> dict[str, Any]:
    """What the four networks should give, in float32, by network.

    Args:
        image: RGB (H, W, 3) uint8, for the encoder.
        latent: (1, L, H/8, W/8) float32, for the UNet and the decoder.
    """
    # Progress bars and advice to install accelerate are not what was asked for.
    diffusers_logging.set_verbosity_error()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()

    def load(kind: Any, folder: Any, weights: Any) -> Any:
        variant = "fp16" if ".fp16." in weights.name else None
        return kind.from_pretrained(
            folder, variant=variant, use_safetensors=True, torch_dtype=torch.float32
        ).eval()

    text_encoder = load(CLIPTextModel, model.path / "text_encoder", model.text_encoder_weights)
    unet = load(unet_class(model.unet), model.path / "unet", model.unet_weights)
    vae = load(AutoencoderTiny, model.vae_folder, model.vae_weights)
    tokenizer = AutoTokenizer.from_pretrained(model.tokenizer)
    tokens = tokenizer(
        prompt, padding="max_length", max_length=77, truncation=True, return_tensors="pt"
    )
    patch, factor = model.patch, vae.config.scaling_factor
    picture = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
    sample = torch.from_numpy(latent)
    with torch.inference_mode():
        embeds = text_encoder(tokens.input_ids).last_hidden_state
        encoded = vae.encode(pixel_unshuffle(picture, patch)).latents * factor
        eps = unet(sample, timestep, encoder_hidden_states=embeds).sample
        decoded = pixel_shuffle(vae.decode(sample / factor).sample, patch)
    bytes_ = ((decoded + 1) * 127.5).clamp(0, 255).round()
    return {
        "text_encoder": embeds.numpy(),
        "encode": encoded.numpy(),
        "unet": eps.numpy(),
        "decode": bytes_[0].permute(1, 2, 0).numpy(),
    }


def _relative(ours: Any, theirs: Any) -> float:
    theirs = theirs.astype(np.float64)
    return float(np.linalg.norm(ours.astype(np.float64) - theirs) / np.linalg.norm(theirs))
