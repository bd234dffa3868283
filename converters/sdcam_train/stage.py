"""The training loop that every stage shares: schedule, averaging, checkpoints, stopping.

A checkpoint holds everything: weights, their moving averages, the optimizer, the step. It is
written to a temporary file and renamed, so a run may be stopped or killed at any moment and goes on
from the last one. Nothing depends on the clock but how often it is written.
"""

from __future__ import annotations

import logging
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .muon import Muon
from .networks import Architecture
from .workers import Worker

log = logging.getLogger(__name__)

SAVE_SECONDS = 150
LOG_STEPS = 25
WARM_UP = 100
AVERAGE = 0.998  # of the weights; reached gradually

State = dict[str, Any]


def load(path: Path) -> State:
    """Reads a checkpoint: tensors and plain values only."""
    state: State = torch.load(path, map_location="cpu", weights_only=True)
    return state


def save(state: State, path: Path) -> None:
    """Writes a checkpoint so that `path` is always a whole one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    torch.save(state, unfinished)
    unfinished.replace(path)


class Stage(ABC):
    """Trains some modules together. Subclasses say what a step's loss is."""

    name = "stage"

    def __init__(
        self,
        worker: Worker,
        modules: Mapping[str, nn.Module],
        architecture: Architecture,
        seed: int,
    ) -> None:
        self.worker, self.architecture, self.seed = worker, architecture, seed
        self.modules = {
            name: module.to(worker.device, memory_format=torch.channels_last).train()
            for name, module in modules.items()
        }
        self.step = 0
        self.anneal_from: int | None = None  # the step from which the rate falls, if it does
        self.warm_from = 0  # the step at which the optimizer was new
        self.averages = self._weights()
        groups, inner, late = self.groups(), self.inner_groups(), self.late_groups()
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(groups, betas=(0.9, 0.99), weight_decay=1e-4, fused=True)
        ]
        if inner:
            self.optimizers.append(Muon(inner))
        if late:
            self.optimizers.append(torch.optim.AdamW(late, betas=(0.5, 0.99), fused=True))
        every = (*groups, *inner, *late)
        self.rates = [float(group["lr"]) for group in every]
        self.parameters = [p for group in every for p in group["params"]]
        self.random = np.random.default_rng()
        self.figures: list[dict[str, float]] = []
        self._stop = False

    @abstractmethod
    def groups(self) -> list[dict[str, Any]]:
        """Parameter groups with their learning rates, for AdamW."""

    def inner_groups(self) -> list[dict[str, Any]]:
        """Those of the inner convolutions, for Muon."""
        return []

    def late_groups(self) -> list[dict[str, Any]]:
        """Those of modules that begin to train at the end only."""
        return []

    @abstractmethod
    def loss(self) -> tuple[Tensor, dict[str, float]]:
        """The loss of a fresh batch drawn with `self.random`, and figures for the log."""

    def _weights(self) -> dict[str, State]:
        return {
            name: {
                key: value.detach().float().cpu().clone()
                for key, value in module.state_dict().items()
            }
            for name, module in self.modules.items()
        }

    def rate(self, until: int) -> float:
        """Share of the full rate: warm-up, then constant; or falling to 0 over an anneal."""
        if self.anneal_from is not None:
            return max(0.0, 1 - (self.step - self.anneal_from) / max(1, until - self.anneal_from))
        return min(1.0, (self.step + 1 - self.warm_from) / WARM_UP)

    def advance(self, rate: float = 1.0) -> bool:
        """One optimizer step; true when the workers were asked to stop."""
        # Every step has its own random numbers, so that a resumed run draws what it would have.
        seeds = [self.seed, self.worker.number, self.step]
        self.random = np.random.default_rng(seeds)
        torch.manual_seed(int(self.random.integers(2**31)))
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        for group, full in zip(groups, self.rates, strict=True):
            group["lr"] = full * rate
        loss, figures = self.loss()
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward()
        stop = self.worker.average(self.parameters, self._stop)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        if torch.isfinite(norm):
            for optimizer in self.optimizers:
                optimizer.step()
        self.step += 1
        self._average()
        self.figures.append({"loss": float(loss.detach()), "norm": float(norm), **figures})
        return stop

    def _average(self) -> None:
        if self.step % 4:
            return
        keep = min(AVERAGE, self.step / (self.step + 50)) ** 4
        for name, module in self.modules.items():
            for key, value in module.state_dict().items():
                if value.is_floating_point():
                    self.averages[name][key].lerp_(value.detach().float().cpu(), 1 - keep)

    def state(self) -> State:
        """All that a checkpoint holds."""
        return {
            "stage": self.name,
            "step": self.step,
            "anneal_from": self.anneal_from,
            "warm_from": self.warm_from,
            "seed": self.seed,
            "architecture": asdict(self.architecture),
            "averages": self.averages,
            "weights": self._weights(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }

    def restore(self, state: State) -> None:
        """Goes on from a checkpoint of the same stage."""
        for name, module in self.modules.items():
            if name in state["weights"]:  # a critic joins later
                module.load_state_dict(state["weights"][name])
                self.averages[name] = {k: v.clone() for k, v in state["averages"][name].items()}
        self.step = int(state["step"])
        self.anneal_from = state.get("anneal_from")
        self.warm_from = int(state.get("warm_from", 0))
        if not state["optimizers"]:  # from a compact checkpoint
            self.warm_from = self.step
        for optimizer, stored in zip(self.optimizers, state["optimizers"], strict=False):
            optimizer.load_state_dict(stored)

    def train(self, until: int, checkpoint: Path) -> None:
        """Trains up to step `until`, or until SIGTERM or SIGINT, saving as it goes."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)
        started = saved = time.monotonic()
        first = self.step
        while self.step < until:
            stop = self.advance(self.rate(until))
            now = time.monotonic()
            if self.worker.leads and self.step % LOG_STEPS == 0:
                self._report(now - started, (now - started) / (self.step - first))
            if self.worker.leads and (stop or self.step == until or now - saved > SAVE_SECONDS):
                save(self.state(), checkpoint)
                saved = time.monotonic()
            if stop:
                break

    def _ask_to_stop(self, *_: object) -> None:
        self._stop = True

    def _report(self, seconds: float, each: float) -> None:
        recent, self.figures = self.figures, []
        means = {key: float(np.mean([f[key] for f in recent if key in f])) for key in recent[-1]}
        text = " ".join(f"{key} {value:.4g}" for key, value in means.items())
        log.info("%s step %d %.0fs %.2fs/step %s", self.name, self.step, seconds, each, text)
