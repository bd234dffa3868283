"""Muon: momentum whose every update is a (nearly) orthogonal matrix (Jordan et al. 2024).

For the inner convolutions. Per step it learns more than AdamW does, and steps are what a CPU lacks.
"""

# mypy: disable-error-code="misc"
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


def orthogonal(matrix: Tensor, iterations: int = 5) -> Tensor:
    """The nearest matrix with singular values of about 1, by Newton-Schulz iterations in bf16."""
    wide = matrix.shape[0] <= matrix.shape[1]
    x = (matrix if wide else matrix.T).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(iterations):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x if wide else x.T).float()


class Muon(torch.optim.Optimizer):
    """For weights of two or more dimensions; all but the first are taken as one.

    Updates are scaled to the size of AdamW's (Liu et al. 2025), so rates mean the same.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], momentum: float = 0.95) -> None:
        super().__init__(groups, {"lr": 1e-3, "momentum": momentum})

    def step(self, closure: Any = None) -> None:
        """One update of every weight that has a gradient."""
        with torch.no_grad():
            self._update()

    def _update(self) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                flat = weight.grad.reshape(len(weight), -1)
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(flat)
                state["momentum"].lerp_(flat, 1 - group["momentum"])
                ahead = flat.lerp(state["momentum"], group["momentum"])
                update = orthogonal(ahead) * 0.2 * max(flat.shape) ** 0.5
                weight.add_(update.view(weight.shape), alpha=-group["lr"])
