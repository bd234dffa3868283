"""A diffusers folder of a public model's exact shape with random weights, to measure with.

    python tests/support/random_model.py sdxs-512 FOLDER
    python tests/support/random_model.py sd-turbo FOLDER

Conversion times, memory and sizes depend on shapes alone; no download is needed to repeat them.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny, DDPMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from sdcam.resources import embedded_model

_SDXS = {
    "attention_head_dim": (5, 10, 20),
    "block_out_channels": (320, 640, 1280),
    "cross_attention_dim": 1024,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3,
    "mid_block_type": None,
    "up_block_types": ("CrossAttnUpBlock2D",) * 3,
    "layers_per_block": 1,
    "only_cross_attention": (True, False, False),
    "use_linear_projection": True,
    "sample_size": 64,
}
_SD_TURBO = {
    "attention_head_dim": (5, 10, 20, 20),
    "block_out_channels": (320, 640, 1280, 1280),
    "cross_attention_dim": 1024,
    "down_block_types": (*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
    "up_block_types": ("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
    "layers_per_block": 2,
    "use_linear_projection": True,
    "sample_size": 64,
}
SHAPES: dict[str, tuple[dict[str, Any], int]] = {  # UNet's configuration and its parameters
    "sdxs-512": (_SDXS, 328_177_284),
    "sd-turbo": (_SD_TURBO, 865_910_724),
}
_OPENCLIP_H = {  # of Stable Diffusion 2, without its last layer
    "vocab_size": 49408,
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 23,
    "num_attention_heads": 16,
    "hidden_act": "gelu",
}
_LIVELIER = {"unet": 1.3, "vae": 1.5}  # fresh weights shrink what goes through them


def make_random_model(shape: str, folder: Path, seed: int = 0) -> None:
    """
    Args:
        shape: one of `SHAPES`.
        folder: a new one; gets half-precision weights.
    """
    configuration, parameters = SHAPES[shape]
    torch.manual_seed(seed)
    unet = UNet2DConditionModel(**configuration)
    counted = sum(parameter.numel() for parameter in unet.parameters())
    if counted != parameters:
        raise AssertionError(f"{shape} has {parameters:,} parameters, this UNet {counted:,}")
    _save(unet, folder / "unet")
    del unet
    _save(AutoencoderTiny(), folder / "vae")
    CLIPTextModel(CLIPTextConfig(**_OPENCLIP_H)).half().save_pretrained(folder / "text_encoder")
    DDPMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False
    ).save_pretrained(folder / "scheduler")
    # Any vocabulary that fits will do; the embedded model's is at hand.
    shutil.copytree(embedded_model() / "tokenizer", folder / "tokenizer")
    index = {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30.0"}
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def _save(network: Any, folder: Path) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.mul_(_LIVELIER[folder.name])
    network.half().save_pretrained(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    make_random_model(given.shape, given.folder)
