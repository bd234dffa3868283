"""Makes the model that the tests run: the pocket family at its smallest, with random weights.

    python tests/support/tiny_model.py tests/data/tiny-model

The folder is committed, graphs included, together with what diffusers and transformers compute
from it (references.npz), so that the tests need neither of them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny, DDPMScheduler, UNet2DConditionModel
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from sdcam.models import ModelFolder
from sdcam_convert.agreement import diffusers_results
from sdcam_convert.cpu import export_cpu

SIZE = (128, 64)  # (width, height) of the referenced picture
TIMESTEPS = (1, 250, 499, 999)
TEXTS = (
    "",
    "oil painting style, masterpiece, highly detailed",
    "  A   Pencil\nSKETCH; don't you'll 35mm  ",
    "ukiyo-e 浮世絵 café ☕ <|endoftext|> tail",
    "word " * 100,
)

_WIDTH = 4
_TEXT_WIDTH = 8
_VOCABULARY = 2 * 256 + 40  # every byte within and at the end of a word, and merges


def make_tiny_model(folder: Path) -> None:
    torch.manual_seed(0)
    tokenizer = _tokenizer(folder / "tokenizer")
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=_TEXT_WIDTH,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=(_WIDTH, 2 * _WIDTH),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        mid_block_type=None,
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=_TEXT_WIDTH,
        attention_head_dim=2,
        norm_num_groups=2,
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=2,
        only_cross_attention=True,
    )
    vae = AutoencoderTiny(
        in_channels=48,
        out_channels=48,
        encoder_block_out_channels=(_WIDTH, _WIDTH),
        decoder_block_out_channels=(_WIDTH, _WIDTH),
        num_encoder_blocks=(0, 1),
        num_decoder_blocks=(1, 1),
        latent_channels=4,
    )
    with torch.no_grad():  # fresh weights shrink their input; the outputs should fill their range
        vae.encoder.layers[-1].weight.mul_(8)
        vae.decoder.layers[-1].weight.mul_(12)
        vae.decoder.layers[-1].bias.fill_(0.5)
    text_encoder.half().save_pretrained(folder / "text_encoder")
    unet.half().save_pretrained(folder / "unet")
    vae.half().save_pretrained(folder / "vae")
    DDPMScheduler(beta_start=1e-7, beta_end=1e-4, clip_sample=False).save_pretrained(
        folder / "scheduler"
    )
    index = {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30.0"}
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    export_cpu(folder)
    _write_references(ModelFolder.open(folder), tokenizer, unet)


def _tokenizer(folder: Path) -> CLIPTokenizer:
    """A byte-level vocabulary with a few merges; padded with "!", as OpenCLIP's."""
    folder.mkdir(parents=True, exist_ok=True)
    words = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    words.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(
                Regex(r"[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True
            ),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    corpus = [*alphabet, *(text.lower() for text in TEXTS)]
    words.train_from_iterator(
        corpus,
        trainers.BpeTrainer(vocab_size=_VOCABULARY, initial_alphabet=alphabet, show_progress=False),
    )
    learnt = json.loads(words.to_str())["model"]
    vocabulary = ["!", *(token for token in learnt["vocab"] if token != "!")]
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    numbers = {token: number for number, token in enumerate(vocabulary)}
    merges = ["#version: 0.2", *(" ".join(pair) for pair in learnt["merges"])]
    (folder / "vocab.json").write_text(json.dumps(numbers, ensure_ascii=False))
    (folder / "merges.txt").write_text("\n".join(merges) + "\n")
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "pad_token": "!"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    tokenizer.save_pretrained(folder)
    whole = folder / "tokenizer.json"
    whole.write_text(json.dumps(json.loads(whole.read_text()), ensure_ascii=False))
    return tokenizer


def _write_references(
    model: ModelFolder, tokenizer: CLIPTokenizer, unet: UNet2DConditionModel
) -> None:
    width, height = SIZE
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    image = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
    sample = random.standard_normal((1, 4, height // 8, width // 8), dtype=np.float32)
    tokens = tokenizer(
        list(TEXTS), padding="max_length", max_length=77, truncation=True, return_tensors="np"
    )
    results = diffusers_results(model, TEXTS[1], image, sample, TIMESTEPS[2])
    with torch.inference_mode():
        unet = unet.float()
        times = [unet.time_embedding(unet.time_proj(torch.tensor([t]))).numpy() for t in TIMESTEPS]
    np.savez_compressed(
        model.path / "references.npz",
        texts=np.array(TEXTS),
        tokens=tokens.input_ids.astype(np.int64),
        timesteps=np.array(TIMESTEPS),
        time_embeddings=np.concatenate(times),
        image=image,
        sample=sample,
        **{**results, "decode": results["decode"].astype(np.uint8)},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    make_tiny_model(parser.parse_args().folder)
