"""Reductions along axes, running sums, and normalisations."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

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


@operation("layer_norm")
def layer_norm(
    x: Tensor,
    axes: Numbers = None,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    epsilon: Number = 1e-5,
) -> Tensor:
    """Over any axes; gamma and beta have the shape of these axes."""
    chosen = sorted(axis % x.ndim for axis in integers(axes, list(range(x.ndim))))
    mean = x.mean(chosen, keepdim=True)
    variance = (x - mean).square().mean(chosen, keepdim=True)
    y = (x - mean) * torch.rsqrt(variance + float(epsilon))
    shape = [x.shape[axis] if axis in chosen else 1 for axis in range(x.ndim)]
    y = y if gamma is None else y * gamma.reshape(shape)
    return y if beta is None else y + beta.reshape(shape)


@operation("instance_norm")
def instance_norm(
    x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None, epsilon: Number = 1e-5
) -> Tensor:
    """Each channel of each sample over its plane."""
    return functional.instance_norm(x, weight=gamma, bias=beta, eps=float(epsilon))


@operation("batch_norm")
def batch_norm(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    epsilon: Number = 1e-5,
) -> Tensor:
    """With statistics that the model has learnt, (C,)."""
    return functional.batch_norm(x, mean, variance, gamma, beta, False, 0.0, float(epsilon))


@operation("l2_norm")
def l2_norm(x: Tensor, epsilon: Number = 1e-6) -> Tensor:
    """Each sample divided by its length over the last three axes."""
    length = x.square().sum((-3, -2, -1), keepdim=True) + float(epsilon)
    return x * torch.rsqrt(length)
