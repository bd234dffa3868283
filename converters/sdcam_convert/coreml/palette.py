"""Palettes of weights: k-means in one dimension, and how many bits each layer deserves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdcam_convert.coreml.options import PALETTE_BITS

_ROUNDS = 50  # of k-means; it moves by less than a thousandth after about thirty
_BLOCKS = 8  # for each colour, to find the density of weights


@dataclass(frozen=True)
class Palette:
    colours: NDArray[np.float64]  # (2**bits,) rising
    error: float  # relative L2 of the weights that it paints


class Histogram:
    """The values of a weight as they are in half precision: at most 65,536 of them, so that
    k-means costs the same for every layer and needs no library."""

    def __init__(self, weight: NDArray[np.floating]) -> None:
        values, counts = np.unique(weight.astype(np.float16), return_counts=True)
        self.size = int(weight.size)
        self._values = values.astype(np.float64)
        self._counts = _sums(counts.astype(np.float64))
        self._firsts = _sums(counts * self._values)
        self._squares = _sums(counts * self._values**2)

    def palette(self, bits: int) -> Palette:
        """Lloyd's algorithm. It moves little when there are many colours: all depends on where it
        begins."""
        colours = self._first_colours(2**bits)
        for _ in range(_ROUNDS):
            edges = self._edges(colours)
            weights, firsts = np.diff(self._counts[edges]), np.diff(self._firsts[edges])
            moved = np.divide(firsts, weights, out=colours.copy(), where=weights > 0)
            if np.array_equal(moved, colours):
                break
            colours = np.sort(moved)
        edges = self._edges(colours)
        weights, firsts = np.diff(self._counts[edges]), np.diff(self._firsts[edges])
        # sum (x - c)^2 of each colour's weights, without a pass over them
        error = self._squares[-1] + float(np.sum(weights * colours**2 - 2 * colours * firsts))
        return Palette(colours, math.sqrt(max(error, 0.0) / max(self._squares[-1], 1e-30)))

    def _first_colours(self, count: int) -> NDArray[np.float64]:
        """As dense as the cube root of the weights' density (Panter and Dite, 1951), which is found
        from blocks of as many weights each: outliers of trained layers get colours of their own."""
        if len(self._values) <= count:
            return np.pad(self._values, (0, count - len(self._values)), "edge")
        blocks = _BLOCKS * count
        quantiles = np.arange(blocks + 1) / blocks * self._counts[-1]
        places = np.searchsorted(self._counts[1:], quantiles).clip(max=len(self._values) - 1)
        ends = self._values[places]
        mass = _sums(np.diff(ends) ** (2 / 3))  # a block's width, times its density's cube root
        colours: NDArray[np.float64]
        colours = np.interp((np.arange(count) + 0.5) / count * mass[-1], mass, ends)
        return colours

    def _edges(self, colours: NDArray[np.float64]) -> NDArray[np.int64]:
        """Where each colour's values begin, and the end."""
        between = np.searchsorted(self._values, (colours[1:] + colours[:-1]) / 2)
        return np.concatenate(([0], between, [len(self._values)]))


def look_up(
    weight: NDArray[np.floating], bits: int
) -> tuple[NDArray[np.floating], NDArray[np.uint8]]:
    """
    Returns:
        The palette, of the weight's type, and each weight's place in it, flat.
    """
    colours = Histogram(weight).palette(bits).colours
    middles = ((colours[1:] + colours[:-1]) / 2).astype(np.float32)
    places = np.searchsorted(middles, weight.reshape(-1).astype(np.float32))
    return colours.astype(weight.dtype), places.astype(np.uint8)


def share_bits(
    sizes: Mapping[str, int], errors: Mapping[str, Mapping[int, float]], average: float
) -> dict[str, int]:
    """Gives bits where they lessen the error most, until the average weight has `average`.

    Every layer begins with the smallest palette. The next step goes to the layer that sheds most
    squared relative error for each bit that it takes.

    Args:
        sizes: weights of each layer.
        errors: relative L2 error of each layer at each number of bits.
        average: bits of an average weight.

    Returns:
        Bits of each layer.
    """
    chosen = dict.fromkeys(sizes, PALETTE_BITS[0])
    left = average * sum(sizes.values()) - PALETTE_BITS[0] * sum(sizes.values())
    while True:
        best, gain = "", 0.0
        for name, bits in chosen.items():
            step = _next(bits)
            cost = sizes[name] * (step - bits)
            if step == bits or cost > left:
                continue
            shed = (errors[name][bits] ** 2 - errors[name][step] ** 2) / cost
            if shed > gain:
                best, gain = name, shed
        if not best:
            return chosen
        left -= sizes[best] * (_next(chosen[best]) - chosen[best])
        chosen[best] = _next(chosen[best])


def _next(bits: int) -> int:
    return min((more for more in PALETTE_BITS if more > bits), default=bits)


def _sums(of: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of the first 0, 1, 2, ... elements."""
    return np.concatenate(([0.0], np.cumsum(of)))
