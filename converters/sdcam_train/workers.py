"""Data-parallel training: one process of one thread per core, or one process on a GPU.

On a CPU, small convolutions split better over processes than over threads.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed
import torch.multiprocessing


@dataclass(frozen=True)
class Worker:
    """One of `count` equal processes; number 0 writes logs and checkpoints."""

    number: int
    count: int
    device: str

    @property
    def leads(self) -> bool:
        return self.number == 0

    def average(self, parameters: Sequence[torch.nn.Parameter], stop: bool) -> bool:
        """Averages the gradients over the workers; true when any of them wants to stop."""
        if self.count == 1:
            return stop
        trained = [parameter for parameter in parameters if parameter.grad is not None]
        flags = torch.tensor([float(stop)])
        grads = [parameter.grad for parameter in trained if parameter.grad is not None]
        flat = torch.cat([*(grad.reshape(-1) for grad in grads), flags])
        torch.distributed.all_reduce(flat)
        offset = 0
        for grad in grads:
            grad.copy_(flat[offset : offset + grad.numel()].view_as(grad) / self.count)
            offset += grad.numel()
        return bool(flat[-1] > 0)


def log_to_stderr() -> None:
    """Progress with the time of day; no warnings of the libraries."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    warnings.filterwarnings("ignore", module="torch|diffusers|transformers")


def _start(
    number: int, count: int, device: str, port: int, work: Callable[..., None], *arguments: Any
) -> None:
    log_to_stderr()
    torch.set_num_threads(1 if device == "cpu" else 8)
    if count > 1:
        os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"] = "127.0.0.1", str(port)
        torch.distributed.init_process_group("gloo", rank=number, world_size=count)
    work(Worker(number, count, device), *arguments)
    if count > 1:
        torch.distributed.destroy_process_group()


def run(work: Callable[..., None], *arguments: Any, count: int | None = None) -> None:
    """Runs `work(worker, *arguments)` in every worker and waits for them.

    Without `count`: one worker on a GPU if there is one, else one for each core.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if count is None:
        count = 1 if device == "cuda" else max(1, len(os.sched_getaffinity(0)))
    if count == 1:
        _start(0, 1, device, 0, work, *arguments)
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    torch.multiprocessing.spawn(
        _start, (count, device, port, work, *arguments), nprocs=count, join=True
    )
