"""A checkpoint as a diffusers folder with fp16 safetensors, and a check that it paints the same."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import torch
from diffusers import DDPMScheduler

from . import networks, prompts
from .student import Student

INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.32.0",
    "feature_extractor": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "DDPMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    # Named by its module, so that no loader takes it for a UNet with normalisation.
    "unet": ["sdcam.engines.torch_modules", "NormFreeUNet"],
    "vae": ["diffusers", "AutoencoderTiny"],
}


WORDS = "words.json"  # the words that the model knows, with a phrase for each


def export(student: Student, folder: Path) -> None:
    """Writes the whole model; weights in fp16."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("text_encoder", "unet", "vae"):
        module = copy.deepcopy(getattr(student, name))
        module = module.to(torch.float16, memory_format=torch.contiguous_format)
        module.save_pretrained(folder / name)
    student.tokenizer.save_pretrained(folder / "tokenizer")
    words = {
        "styles": prompts.GALLERY,
        "light": {name: phrases[0] for name, phrases in prompts.LIGHT_PHRASINGS.items()},
    }
    (folder / WORDS).write_text(json.dumps(words, indent=1) + "\n", "utf-8")
    DDPMScheduler(**networks.SCHEDULER).save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text(json.dumps(INDEX, indent=2) + "\n", "utf-8")


def difference(student: Student, folder: Path, size: int = 128) -> float:
    """RMS difference in grey levels between a student and its exported folder."""
    ramp = np.linspace(0, 255, size, dtype=np.float32)
    frame = np.stack(np.broadcast_arrays(ramp[None], ramp[:, None], ramp[::-1][None]), -1)
    frame = frame.astype(np.uint8)
    outputs = [model(frame, "anime") for model in (student, Student.from_folder(folder))]
    return float(np.sqrt(np.mean((outputs[0].astype(np.float64) - outputs[1]) ** 2)))
