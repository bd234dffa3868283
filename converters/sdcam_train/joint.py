"""Second stage: UNet, text encoder and autoencoder together: frame, prompt, strength to style.

The student sees the frame with webcam noise and is compared with the teacher's rendering of the
clean one, so it learns to denoise; sometimes it sees its own style already mixed in, as the
`feedback` setting does, and must not add it twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import CLIPTokenizer

from . import networks, tokens
from .dataset import PHOTO, STYLES, Tiles, webcam_noise
from .losses import picture_loss, psnr
from .prompts import corpus, training_prompt
from .stage import Stage, State, load
from .workers import Worker

CROP = 128
BATCH = 12  # of each worker
ENCODED = 4  # targets of a batch that pass through the autoencoder as well
UNET_RATE = 1e-3
TEXT_RATE = 7e-4
AUTOENCODER_RATE = 1e-4
# The noise prediction has to reach latent / noise = 0.6 / 0.036. Starting at zero (the identity)
# with a faster rate is the same as a fixed factor of 20 behind the last layer.
LAST_LAYER_FACTOR = 20

LAYERS = (PHOTO, *STYLES)  # in the order of a tile
# How often a style is drawn, 1 where not named: lines and flat inks take longer to learn.
EMPHASIS = {PHOTO: 1.6, "anime": 1.6, "ukiyo-e": 1.6, "pop art": 1.8, "pencil": 1.2}
_SHARES = np.array([EMPHASIS.get(layer, 1.0) for layer in LAYERS])
SHARES = _SHARES / _SHARES.sum()


@dataclass(frozen=True)
class Task:
    """One training example: pictures (3, CROP, CROP) in [-1, 1], one or two prompts, a strength."""

    frame: np.ndarray[Any, np.dtype[np.float32]]
    clean: np.ndarray[Any, np.dtype[np.float32]]
    target: np.ndarray[Any, np.dtype[np.float32]]
    prompt: str
    second_prompt: str | None
    blend: float  # share of the second prompt
    strength: float


def draw_task(tiles: Tiles, random: np.random.Generator, crop: int = CROP) -> Task:
    """A random tile, style, wording, strength; one in eight blends two styles."""
    first = int(random.choice(len(LAYERS), p=SHARES))
    second, blend = first, 0.0
    if random.random() < 0.12:
        second, blend = int(random.integers(0, len(LAYERS))), float(random.uniform(0.2, 0.8))
    number = int(random.integers(len(tiles)))
    layers = tiles.crop(number, [0, first, second], crop, random).astype(np.float32) / 127.5 - 1
    clean = layers[0]
    styled = layers[1] + blend * (layers[2] - layers[1])
    low = random.random() < 0.3
    strength = float(random.uniform(0.02, 0.5) if low else random.uniform(0.45, 1.0))
    target = clean + networks.style_amount(strength) * (styled - clean)
    return Task(
        webcam_noise(clean, random),
        clean,
        target,
        training_prompt(LAYERS[first], random),
        training_prompt(LAYERS[second], random) if blend else None,
        blend,
        strength,
    )


class JointStage(Stage):
    """The whole model, end to end."""

    name = "joint"

    def __init__(
        self,
        worker: Worker,
        tiles: Tiles,
        tokenizer: CLIPTokenizer,
        autoencoder: State,
        architecture: networks.Architecture,
        seed: int,
        batch: int = BATCH,
    ) -> None:
        self.tiles, self.tokenizer, self.size = tiles, tokenizer, batch
        torch.manual_seed(seed)
        vae = networks.autoencoder(architecture)
        vae.load_state_dict(autoencoder)
        unet = networks.unet(architecture)
        torch.nn.init.zeros_(unet.conv_out.weight)
        torch.nn.init.zeros_(unet.conv_out.bias)
        text = networks.text_encoder(len(tokenizer))
        super().__init__(
            worker, {"vae": vae, "unet": unet, "text_encoder": text}, architecture, seed
        )
        self.alphas = networks.alphas_cumprod().to(worker.device)

    def groups(self) -> list[dict[str, Any]]:
        last: Any = self.modules["unet"].conv_out
        ends = {id(parameter) for parameter in last.parameters()}
        body = [p for p in self.modules["unet"].parameters() if id(p) not in ends]
        return [
            {"params": body, "lr": UNET_RATE},
            {"params": list(last.parameters()), "lr": UNET_RATE * LAST_LAYER_FACTOR},
            {"params": list(self.modules["text_encoder"].parameters()), "lr": TEXT_RATE},
            {"params": list(self.modules["vae"].parameters()), "lr": AUTOENCODER_RATE},
        ]

    def _pictures(self, pictures: list[Any]) -> Tensor:
        stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
        return stacked.to(self.worker.device).contiguous()

    def _text(self, tasks: list[Task]) -> Tensor:
        """Text embeddings of the tasks, blended where there are two prompts."""
        encoder: Any = self.modules["text_encoder"]
        blended = [number for number, task in enumerate(tasks) if task.second_prompt is not None]
        prompts = [task.prompt for task in tasks]
        prompts += [task.second_prompt or "" for task in tasks if task.second_prompt is not None]
        embeddings = tokens.embed(self.tokenizer, encoder, prompts).float()
        first, second = embeddings[: len(tasks)], embeddings[len(tasks) :]
        if not blended:
            return first
        shares = torch.tensor([tasks[number].blend for number in blended]).view(-1, 1, 1)
        mixed = first[blended].lerp(second, shares.to(first.device))
        return first.index_put((torch.tensor(blended, device=first.device),), mixed)

    def loss(self) -> tuple[Tensor, dict[str, float]]:
        vae: Any = self.modules["vae"]
        unet: Any = self.modules["unet"]
        tasks = [draw_task(self.tiles, self.random) for _ in range(self.size)]
        frame = self._pictures([task.frame for task in tasks])
        target = self._pictures([task.target for task in tasks])
        clean = self._pictures([task.clean for task in tasks[ENCODED : ENCODED + 2]])
        times = [networks.timestep(task.strength) for task in tasks]
        with torch.autocast(self.worker.device, torch.bfloat16):
            text = self._text(tasks)
            plain = torch.cat([target[:ENCODED], clean])
            latents = networks.encode(vae, torch.cat([frame, plain])).float()
            latent, reference = latents[: self.size], latents[self.size :]
            feedback = self.random.uniform(0.0, 0.35, ENCODED) * (self.random.random(ENCODED) < 0.6)
            share = torch.zeros(self.size)
            share[:ENCODED] = torch.from_numpy(feedback).float()
            previous = torch.cat([reference[:ENCODED], latent[ENCODED:]]).detach()
            latent = latent.lerp(previous, share.view(-1, 1, 1, 1).to(latent.device))
            result = networks.one_step(
                unet,
                latent,
                torch.randn_like(latent),
                torch.tensor(times, device=latent.device),
                text,
                self.alphas,
            )
            shaken = reference + 0.03 * torch.randn_like(reference)
            decoded = networks.decode(vae, torch.cat([result, shaken])).float()
        loss, squared = picture_loss(decoded[: self.size], target)
        copied, copy_error = picture_loss(decoded[self.size :], plain)
        nearness = (result[:ENCODED] - reference[:ENCODED].detach()).abs().mean()
        # In the latent, fine detail counts as much as the large forms that fill a picture loss.
        total = loss + 0.5 * copied + 0.4 * nearness
        return total, {
            "picture": float(loss.detach()),
            "psnr": psnr(squared),
            "copy": psnr(copy_error),
            "latent": float(nearness.detach()),
        }


def tokenizer_of(run: Path, seed: int) -> CLIPTokenizer:
    """The run's tokenizer, built when there is none yet."""
    folder = run / "tokenizer"
    if (folder / "tokenizer_config.json").exists():
        return CLIPTokenizer.from_pretrained(folder)
    return tokens.build(corpus(seed), folder)


def _stage(worker: Worker, run: Path, seed: int) -> JointStage:
    first = load(run / "autoencoder.pt")
    return JointStage(
        worker,
        Tiles.open(run / "data"),
        tokenizer_of(run, seed),
        first["averages"]["vae"],
        networks.architecture_of(first),
        seed,
    )


def train(worker: Worker, run: Path, until: int, seed: int) -> None:
    """Trains up to step `until`, from `joint.pt` if there is one, else from `autoencoder.pt`."""
    stage = _stage(worker, run, seed)
    checkpoint = run / "joint.pt"
    if checkpoint.exists():
        stage.restore(load(checkpoint))
    stage.train(until, checkpoint)


def anneal(worker: Worker, run: Path, steps: int, seed: int) -> None:
    """Lets the rates of `joint.pt` fall to zero over some steps, into `annealed.pt`.

    An unfinished anneal of the same checkpoint goes on; the joint stage itself is left as it is.
    """
    stage = _stage(worker, run, seed)
    joint, annealed = load(run / "joint.pt"), run / "annealed.pt"
    started = load(annealed) if annealed.exists() else None
    if started is not None and started["anneal_from"] == joint["step"]:
        stage.restore(started)
    else:
        stage.restore(joint)
        stage.anneal_from = stage.step
    stage.train((stage.anneal_from or 0) + steps, annealed)
