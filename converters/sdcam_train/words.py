"""Before the joint stage: the text encoder learns which style and which light a prompt names.

That takes a minute without any picture, and the joint stage need not find it out from pixels. The
UNet's pooling of the text is trained along; the classifier behind it is thrown away.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import CLIPTokenizer

from . import networks, tokens
from .dataset import PHOTO, STYLES
from .lights import LIGHTS
from .prompts import training_prompt
from .stage import Stage, load
from .workers import Worker

NAMES = (PHOTO, *STYLES)
LIGHT_NAMES = (None, *LIGHTS)
BATCH = 48  # prompts, of each worker
RATE = 1e-3
STEPS = 1200


class WordsStage(Stage):
    """Prompt to style and light."""

    name = "words"

    def __init__(
        self,
        worker: Worker,
        tokenizer: CLIPTokenizer,
        architecture: networks.Architecture,
        seed: int,
    ) -> None:
        self.tokenizer = tokenizer
        torch.manual_seed(seed)
        pooling: Any = networks.unet(architecture).add_embedding
        width = int(pooling.norm2.weight.numel())
        modules = {
            "text_encoder": networks.text_encoder(len(tokenizer)),
            "add_embedding": pooling,
            "classifier": torch.nn.Linear(width, len(NAMES) + len(LIGHT_NAMES)),
        }
        super().__init__(worker, modules, architecture, seed)

    def groups(self) -> list[dict[str, Any]]:
        parameters = [p for module in self.modules.values() for p in module.parameters()]
        return [{"params": parameters, "lr": RATE}]

    def loss(self) -> tuple[Tensor, dict[str, float]]:
        styles = self.random.integers(0, len(NAMES), BATCH)
        lights = self.random.integers(0, len(LIGHT_NAMES), BATCH)
        lights[self.random.random(BATCH) < 0.4] = 0
        prompts = [
            training_prompt(NAMES[style], self.random, LIGHT_NAMES[light])
            for style, light in zip(styles, lights, strict=True)
        ]
        encoder: Any = self.modules["text_encoder"]
        pooled = self.modules["add_embedding"](tokens.embed(self.tokenizer, encoder, prompts))
        scores = self.modules["classifier"](pooled)
        device = scores.device
        wanted = torch.from_numpy(styles).to(device), torch.from_numpy(lights).to(device)
        first, second = scores[:, : len(NAMES)], scores[:, len(NAMES) :]
        loss = functional.cross_entropy(first, wanted[0]) + functional.cross_entropy(
            second, wanted[1]
        )
        return loss, {
            "style": float((first.argmax(1) == wanted[0]).float().mean()),
            "light": float((second.argmax(1) == wanted[1]).float().mean()),
        }


def train(worker: Worker, run: Path, tokenizer: CLIPTokenizer, seed: int) -> None:
    """Trains for `STEPS` steps, from `words.pt` if there is one."""
    stage = WordsStage(worker, tokenizer, networks.ARCHITECTURE, seed)
    checkpoint = run / "words.pt"
    if checkpoint.exists():
        stage.restore(load(checkpoint))
    stage.train(STEPS, checkpoint)
