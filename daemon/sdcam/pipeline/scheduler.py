"""The forward process of a diffusion model: how much noise a timestep means.

With betas b_t: alpha_bar_t = prod(1 - b_i, i <= t), and a noisy latent is
sqrt(alpha_bar_t) * clean + sqrt(1 - alpha_bar_t) * noise (Ho et al. 2020, eq. 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdcam.errors import MissingError


@dataclass(frozen=True)
class NoiseLevel:
    """A timestep with its two weights; their squares sum to 1."""

    timestep: int
    sqrt_alpha: float  # of the clean latent
    sqrt_one_minus_alpha: float  # of the noise


@dataclass(frozen=True)
class NoiseSchedule:
    alphas_cumprod: NDArray[np.float64]  # (T,), falling

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> NoiseSchedule:
        """From a checkpoint's `scheduler_config.json`.

        Raises:
            MissingError: a beta schedule or prediction type that we do not know.
        """
        betas: NDArray[np.float64]
        kind = config.get("beta_schedule", "linear")
        start, end = float(config.get("beta_start", 1e-4)), float(config.get("beta_end", 0.02))
        count = int(config.get("num_train_timesteps", 1000))
        if config.get("trained_betas") is not None:
            betas = np.asarray(config["trained_betas"], dtype=np.float64)
        elif kind == "linear":
            betas = np.linspace(start, end, count, dtype=np.float64)
        elif kind == "scaled_linear":
            betas = np.linspace(start**0.5, end**0.5, count, dtype=np.float64) ** 2
        else:
            raise MissingError(
                f'The model\'s scheduler has the beta schedule "{kind}".',
                'This program knows "linear" and "scaled_linear"; take another model.',
            )
        prediction = config.get("prediction_type", "epsilon")
        if prediction != "epsilon":
            raise MissingError(
                f'The model predicts "{prediction}", this program knows "epsilon".',
                "Take another model.",
            )
        return cls(np.cumprod(1.0 - betas, dtype=np.float64))

    def level(self, timestep: int) -> NoiseLevel:
        alpha = float(self.alphas_cumprod[timestep])
        return NoiseLevel(timestep, alpha**0.5, (1.0 - alpha) ** 0.5)

    def levels(self, strength: float, steps: int) -> tuple[NoiseLevel, ...]:
        """The noise levels to visit, falling, in `steps` equal parts of the way to the clean
        picture; none at strength 0. The timestep is chosen here and nowhere else: schedulers
        disagree about the first one (`set_timesteps(1)` gives 999, 1 or 0)."""
        last = len(self.alphas_cumprod) - 1
        first = round(strength * last)
        if first <= 0:
            return ()
        times = [round(first * (steps - i) / steps) for i in range(steps)]
        return tuple(self.level(t) for t in dict.fromkeys(times) if t > 0)

    def single_level(self, strength: float) -> NoiseLevel:
        """`levels(strength, 1)` for a program that always takes one step; at strength 0 that step
        adds no noise and takes none away."""
        return next(iter(self.levels(strength, 1)), NoiseLevel(0, 1.0, 0.0))
