"""How much two arrays differ, and how much they may."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sdcam.models.bundle import BundleCard

Array = NDArray[Any]

GATES: Final = {"fp32": 1e-3, "fp16": 3e-3}  # relative L2, of programs that are not compressed
# Compressed: five times what the rounding does to a Gaussian's weights (at 8 bits that of int8,
# whose steps are even); for 2 bits half of the way to an output that has nothing to do with the
# reference (1.4). docs/verify.md has the largest that were measured.
BITS_GATES: Final = {8: 0.05, 6: 0.13, 4: 0.5, 2: 0.7}
PICTURE_SHARE: Final = 1 / 3  # of those; more of a picture is the camera's than of other outputs
_NOT_COMPRESSED: Final = ("encode", "decode")  # programs; nor are these parts of `fused`
# Pictures that Core ML has rounded to bytes: a tenth of them one level off.
BYTES_GATE: Final = 6e-3


@dataclass(frozen=True)
class Difference:
    relative_l2: float  # |ours - theirs| / |theirs|
    max_error: float  # largest |ours - theirs|, in their unit
    psnr: float  # decibels, below the range of theirs (255 for pictures); inf where equal

    @classmethod
    def between(cls, ours: Array, theirs: Array, peak: float | None = None) -> Difference:
        """
        Args:
            ours: of the shape of theirs.
            theirs: the reference.
            peak: what PSNR is measured against; the range of theirs by default.
        """
        if ours.shape != theirs.shape:
            raise ValueError(f"{ours.shape} cannot be compared with {theirs.shape}")
        exact = theirs.astype(np.float64)
        error = ours.astype(np.float64) - exact
        squares = float(np.square(error).sum())
        energy = float(np.square(exact).sum())
        span = float(exact.max() - exact.min()) if peak is None else peak
        noise = squares / error.size
        return cls(
            relative_l2=math.sqrt(squares / energy) if energy else math.sqrt(squares),
            max_error=float(np.abs(error).max()),
            psnr=_decibels(span, noise),
        )


def gate_of(card: BundleCard, program: str, output: str) -> float:
    """The largest relative L2 that an output of a bundle's program may have."""
    if not card.compression or program in _NOT_COMPRESSED:
        return GATES[card.precision]
    kind, _, number = card.compression.partition("-")
    stored = 8 if kind == "int8" else float(number)
    bits = max(known for known in BITS_GATES if known <= stored)  # 4.5 is gated as 4
    return BITS_GATES[bits] * (PICTURE_SHARE if output == "styled" else 1)


def _decibels(span: float, noise: float) -> float:
    if math.isnan(noise):
        return math.nan
    return math.inf if noise == 0 else 10 * math.log10(max(span, 1e-30) ** 2 / noise)
