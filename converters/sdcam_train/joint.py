"""Last stage: UNet and text encoder, behind the finished autoencoder: frame and prompt to style.

The student sees the frame with webcam noise and is compared with the teacher's rendering of the
clean one, so it learns to denoise; sometimes it sees its own style already mixed in, as the
`feedback` setting does, and must not add it twice. The noise of the latent's last channels is the
grain that the teacher painted with.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import CLIPTokenizer

from . import networks, tokens
from .critic import PatchCritic, losses
from .dataset import Pixels, Tiles
from .losses import picture_loss, psnr, strokes
from .prompts import corpus
from .stage import Stage, State, load
from .tasks import LAYERS, Ahead, Task, batch
from .workers import Worker

# Near a crop's border the student cannot know what the painter saw beyond: compared less there.
BORDER = 16
BATCHES = {"cpu": 8, "cuda": 64}  # of each worker
FED = 4  # one task in so many has its own style mixed in already
RATES = {"unet": 1e-3, "inner": 2.5e-3, "text_encoder": 3e-4, "vae": 5e-5, "critic": 4e-4}
ADVERSARIAL, MATCHING = 0.03, 0.5  # weights of the critic's opinion


def _inside(pictures: Tensor) -> Tensor:
    return pictures[..., BORDER:-BORDER, BORDER:-BORDER]


class JointStage(Stage):
    """The whole model, end to end.

    The autoencoder copies every style better than the UNet paints it, so it stays as it is, and
    the latents keep their meaning. Only at the end, when a critic judges, does it train along.
    """

    name = "joint"

    def __init__(
        self,
        worker: Worker,
        tiles: Tiles,
        tokenizer: CLIPTokenizer,
        autoencoder: State,
        architecture: networks.Architecture,
        seed: int,
        words: dict[str, State] | None = None,
        size: int | None = None,
        judged: bool = False,
        folder: Path | None = None,
    ) -> None:
        self.tiles, self.tokenizer, self.judged = tiles, tokenizer, judged
        self.size = size or BATCHES[worker.device]
        self.ahead: Ahead | None = None
        if folder is not None and worker.device == "cuda":
            self.ahead = Ahead(folder, self.size)
        torch.manual_seed(seed)
        vae = networks.autoencoder(architecture)
        vae.load_state_dict(autoencoder)
        if judged:
            networks.keep_grain_empty(vae)
        else:
            vae.requires_grad_(False)
        unet = networks.unet(architecture)
        text = networks.text_encoder(len(tokenizer))
        if words is not None:
            text.load_state_dict(words["text_encoder"])
            unet.add_embedding.load_state_dict(words["add_embedding"])
        modules = {"vae": vae, "unet": unet, "text_encoder": text}
        if judged:
            modules["critic"] = PatchCritic(len(LAYERS))
        super().__init__(worker, modules, architecture, seed)
        self.alphas = networks.alphas_cumprod().to(worker.device)

    def _inner(self) -> list[torch.nn.Parameter]:
        """The convolutions between the UNet's first and last."""
        return [
            parameter
            for name, parameter in self.modules["unet"].named_parameters()
            if parameter.ndim == 4 and not name.startswith(("conv_in", "conv_out"))
        ]

    def groups(self) -> list[dict[str, Any]]:
        inner = {id(parameter) for parameter in self._inner()}
        return [
            {
                "params": [p for p in self.modules[name].parameters() if id(p) not in inner],
                "lr": RATES[name],
            }
            for name in ("unet", "text_encoder")
        ]

    def late_groups(self) -> list[dict[str, Any]]:
        names = ("vae", "critic") if self.judged else ()
        return [{"params": list(self.modules[n].parameters()), "lr": RATES[n]} for n in names]

    def inner_groups(self) -> list[dict[str, Any]]:
        return [{"params": self._inner(), "lr": RATES["inner"]}]

    def _tasks(self) -> list[Task]:
        seeds = [1, self.seed, self.worker.number, self.step]  # not those of `self.random`
        return self.ahead.take(seeds) if self.ahead else batch(self.tiles, seeds, self.size)

    def _pictures(self, pictures: list[Pixels]) -> Tensor:
        """Pictures uint8 (H, W, 3) as one tensor (N, 3, H, W) in [-1, 1]."""
        stacked = torch.from_numpy(np.stack(pictures)).to(self.worker.device)
        return (stacked.permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous()

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
        tasks = self._tasks()
        frame = self._pictures([task.frame for task in tasks])
        target = self._pictures([task.target for task in tasks])
        output, copies, nearness, grain_left = self._paint(tasks, frame, target)
        # At the border, where a picture ends as well, at least the colours must be right.
        border = (output - target).abs().mean()
        output, target = _inside(output), _inside(target)
        loss, squared = picture_loss(output, target)
        marks = strokes(output, target)
        # In the latent, fine detail counts as much as the large forms that fill a picture loss.
        total = loss + 0.3 * border + 0.35 * marks + 0.4 * nearness + 0.1 * grain_left
        figures = {
            "picture": float(loss.detach()),
            "strokes": float(marks.detach()),
            "psnr": psnr(squared),
            "latent": float(nearness.detach()),
            "grain": float(grain_left.detach()),
        }
        if copies is not None:
            copied, copy_error = picture_loss(_inside(copies), target)
            total, figures["copy"] = total + 0.5 * copied, psnr(copy_error)
        return total + self._judge(tasks, output, target), figures

    def _fed_back(
        self, paint: Callable[[Tensor], Tensor], latent: Tensor, wanted: Tensor
    ) -> Tensor:
        """Latents into which the frame before is mixed, as the `feedback` setting does.

        That is the target's latent, sometimes badly shaken, or what the student itself makes of it
        within a few frames: only so it learns to come back to the target instead of running away.
        """
        share = torch.from_numpy(self.random.uniform(0.05, 0.4, (len(latent), 1, 1, 1)))
        share = share.float().to(latent.device)
        with torch.no_grad():
            shaken = float(self.random.choice([0.0, 0.1, 1.0]))
            previous = wanted + shaken * torch.randn_like(wanted)
            for _ in range(int(self.random.integers(0, 4))):
                previous = paint(latent.lerp(previous, share)).clamp(-8, 8)
        return latent.lerp(previous, share)

    def _judge(self, tasks: list[Task], output: Tensor, target: Tensor) -> Tensor:
        """The critic's losses, on the tasks that ask for the whole of one style."""
        critic: Any = self.modules.get("critic")
        whole = [n for n, task in enumerate(tasks) if not task.blend and task.strength >= 0.5]
        if critic is None or not whole:
            return output.new_zeros(())
        frame = _inside(self._pictures([tasks[number].clean for number in whole]))
        style = torch.tensor([tasks[number].style for number in whole], device=output.device)
        with torch.autocast(self.worker.device, torch.bfloat16):
            judging, judged, matching = losses(critic, output[whole], target[whole], frame, style)
        return judging + ADVERSARIAL * judged + MATCHING * matching

    def _paint(
        self, tasks: list[Task], frame: Tensor, target: Tensor
    ) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
        """The student's pictures; copies of the targets, if the autoencoder trains along; how far
        the painted latents are from those of the targets; and how much of the noise is left in
        the grain channels, where feedback would gather it."""
        vae: Any = self.modules["vae"]
        unet: Any = self.modules["unet"]
        device, picture = self.worker.device, slice(None, networks.PICTURE_CHANNELS)
        times = torch.tensor([networks.timestep(task.strength) for task in tasks], device=device)
        with torch.autocast(device, torch.bfloat16):
            text = self._text(tasks)
            latent, reference = networks.encode(vae, torch.cat([frame, target])).float().chunk(2)
            noise = torch.randn_like(latent)
            grain = torch.from_numpy(np.stack([task.grain for task in tasks]))
            noise[:, networks.PICTURE_CHANNELS :] = grain.permute(0, 3, 1, 2).to(device)
            predict = functools.partial(networks.predict_noise, unet)
            fed = self.size // FED  # the first ones
            latent = torch.cat(
                [
                    self._fed_back(
                        lambda fed_latent: networks.one_step(
                            predict, fed_latent, noise[:fed], times[:fed], text[:fed], self.alphas
                        ),
                        latent[:fed],
                        reference[:fed].detach(),
                    ),
                    latent[fed:],
                ]
            )
            result = networks.one_step(predict, latent, noise, times, text, self.alphas)
            output = networks.decode(vae, result).float()
            copies = None
            if self.judged:
                shaken = reference + 0.03 * torch.randn_like(reference)
                copies = networks.decode(vae, shaken).float()
        nearness = (result[:, picture] - reference[:, picture].detach()).abs().mean()
        spread = (1 - self.alphas[times]).sqrt().view(-1, 1, 1, 1)
        grain_left = (result[:, networks.PICTURE_CHANNELS :] / spread).abs().mean()
        return output, copies, nearness, grain_left


def tokenizer_of(run: Path, seed: int) -> CLIPTokenizer:
    """The run's tokenizer, built when there is none yet."""
    folder = run / "tokenizer"
    if (folder / "tokenizer_config.json").exists():
        return CLIPTokenizer.from_pretrained(folder)
    return tokens.build(corpus(seed), folder)


def _stage(worker: Worker, run: Path, seed: int, judged: bool = False) -> JointStage:
    first = load(run / "autoencoder.pt")
    return JointStage(
        worker,
        Tiles.open(run / "data"),
        tokenizer_of(run, seed),
        first["averages"]["vae"],
        networks.architecture_of(first),
        seed,
        load(run / "words.pt")["averages"],
        judged=judged,
        folder=run / "data",
    )


def train(worker: Worker, run: Path, until: int, seed: int) -> None:
    """Trains up to step `until`, from `joint.pt` if there is one, else from the first stages."""
    stage = _stage(worker, run, seed)
    checkpoint = run / "joint.pt"
    if checkpoint.exists():
        stage.restore(load(checkpoint))
    stage.train(until, checkpoint)


def anneal(worker: Worker, run: Path, steps: int, seed: int) -> None:
    """Lets the rates of `joint.pt` fall to zero, before a critic, into `annealed.pt`.

    An unfinished anneal of the same checkpoint goes on; the joint stage itself is left as it is.
    """
    stage = _stage(worker, run, seed, judged=True)
    joint, annealed = load(run / "joint.pt"), run / "annealed.pt"
    started = load(annealed) if annealed.exists() else None
    if started is not None and started["anneal_from"] == joint["step"]:
        stage.restore(started)
    else:
        stage.restore(joint)
        stage.anneal_from = stage.step
    stage.train((stage.anneal_from or 0) + steps, annealed)
