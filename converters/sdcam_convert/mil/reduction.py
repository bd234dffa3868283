"""Reductions along axes, and running sums."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sdcam_convert.mil.operation import OPERATIONS, Number, Numbers, integers, operation

_REDUCTIONS: dict[str, Callable[..., Tensor]] = {
    "reduce_max": torch.amax,
    "reduce_mean": torch.mean,
    "reduce_min": torch.amin,
    "reduce_sum": torch.sum,
    "reduce_sum_square": lambda x, dim, keepdim: x.square().sum(dim, keepdim),
    "reduce_l2_norm": lambda x, dim, keepdim: x.square().sum(dim, keepdim).sqrt(),
}


def _reduction(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def reduce(x: Tensor, axes: Numbers = None, keep_dims: Number = False) -> Tensor:
        chosen = integers(axes, list(range(x.ndim)))
        return function(x, dim=chosen, keepdim=bool(keep_dims))

    return reduce


OPERATIONS.update({name: _reduction(function) for name, function in _REDUCTIONS.items()})


@operation("reduce_argmax")
def reduce_argmax(
    x: Tensor, axis: Number = -1, keep_dims: Number = False, output_dtype: str = "int32"
) -> Tensor:
    """Where the largest is; the first of equals."""
    return x.argmax(int(axis), bool(keep_dims))


@operation("cumsum")
def cumsum(
    x: Tensor, axis: Number = 0, exclusive: Number = False, reverse: Number = False
) -> Tensor:
    """Running sum; without the element itself if exclusive, from the end if reverse."""
    along = int(axis)
    ordered = x.flip(along) if bool(reverse) else x
    sums = ordered.cumsum(along)
    sums = sums - ordered if bool(exclusive) else sums
    return sums.flip(along) if bool(reverse) else sums
