"""How far two arrays are apart, and how far they may be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sdcam.models.bundle import BundleCard

Array = NDArray[Any]

GATES: Final = {"fp32": 1e-3, "fp16": 3e-3}  # relative L2, of programs that are not compressed
# Compressed: the weights' own rounding, which a network passes on enlarged.
BITS_GATES: Final = {8: 0.05, 6: 0.15, 4: 0.5, 2: 1.5}
BYTES_GATE: Final = (
    6e-3  # pictures that Core ML has rounded to bytes: a tenth of them one level off
)


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


def gate_of(card: BundleCard) -> float:
    """The largest relative L2 that a bundle's programs may have."""
    gate = GATES[card.precision]
    kind, _, number = card.compression.partition("-")
    if kind == "int8":
        return max(gate, BITS_GATES[8])
    if kind in ("palette", "mixed"):  # a mixture of 4.5 bits is gated as one of 4
        bits = max(known for known in BITS_GATES if known <= float(number or 4))
        return max(gate, BITS_GATES[bits])
    return gate


def _decibels(span: float, noise: float) -> float:
    if math.isnan(noise):
        return math.nan
    return math.inf if noise == 0 else 10 * math.log10(max(span, 1e-30) ** 2 / noise)
