"""First stage: the autoencoder alone, on photographs, scenes and the teachers' renderings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import networks, warm_start
from .dataset import Tiles
from .losses import picture_loss, psnr
from .stage import Stage, State, load
from .workers import Worker

CROP = 128
BATCH = 16  # of each worker
RATE = 2e-4  # more would undo the linear start
LATENT_NOISE = 0.05  # the decoder must bear what the UNet gets slightly wrong


class AutoencoderStage(Stage):
    """Picture to latent and back."""

    name = "autoencoder"

    def __init__(
        self, worker: Worker, tiles: Tiles, architecture: networks.Architecture, seed: int
    ) -> None:
        self.tiles = tiles
        torch.manual_seed(seed)
        vae = networks.autoencoder(architecture)
        if architecture.patch == 8:
            sample = warm_start.blocks(tiles, 150, np.random.default_rng(seed))
            warm_start.linear_start(vae, sample)
        networks.keep_grain_empty(vae)
        super().__init__(worker, {"vae": vae}, architecture, seed)

    def groups(self) -> list[dict[str, Any]]:
        return [{"params": list(self.modules["vae"].parameters()), "lr": RATE}]

    def batch(self) -> Tensor:
        """Random crops of random layers, (BATCH, 3, CROP, CROP) in [-1, 1]."""
        crops = []
        for _ in range(BATCH):
            plain = self.random.random() < 0.4
            layer = 0 if plain else int(self.random.integers(1, self.tiles.layers))
            number = int(self.random.integers(len(self.tiles)))
            (crop,), _ = self.tiles.crop(number, [layer], CROP, self.random)
            crops.append(crop[:, ::-1] if plain and self.random.random() < 0.5 else crop)
        pictures = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)
        return pictures.to(self.worker.device).float() / 127.5 - 1

    def loss(self) -> tuple[Tensor, dict[str, float]]:
        vae: Any = self.modules["vae"]
        picture = self.batch()
        with torch.autocast(self.worker.device, torch.bfloat16):
            latent = networks.encode(vae, picture)
        latent = latent.float()
        noise = torch.randn_like(latent) * torch.rand(len(latent), 1, 1, 1, device=latent.device)
        with torch.autocast(self.worker.device, torch.bfloat16):
            output = networks.decode(vae, latent + LATENT_NOISE * noise)
        loss, squared = picture_loss(output.float(), picture)
        spread = latent[:, : networks.PICTURE_CHANNELS].std((0, 2, 3))
        loss = loss + 0.01 * (spread - warm_start.LATENT_SPREAD).square().mean()
        return loss, {"psnr": psnr(squared), "spread": float(spread.detach().mean())}


def train(
    worker: Worker, run: Path, until: int, seed: int, architecture: networks.Architecture
) -> None:
    """Trains up to step `until`, from the checkpoint in the run's folder if there is one."""
    stage = AutoencoderStage(worker, Tiles.open(run / "data"), architecture, seed)
    checkpoint = run / "autoencoder.pt"
    if checkpoint.exists():
        stage.restore(load(checkpoint))
    stage.train(until, checkpoint)


def trained(path: Path) -> tuple[State, networks.Architecture]:
    """The averaged weights of a checkpoint's autoencoder, and the sizes they belong to."""
    state = load(path)
    return state["averages"]["vae"], networks.architecture_of(state)
