"""Normalisations."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sdcam_convert.mil.operation import Number, Numbers, integers, operation


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
