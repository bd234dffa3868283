"""Products of matrices, and what attention is made of."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sdcam_convert.mil.operation import Number, operation


@operation("linear")
def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x (..., in), weight (out, in)"""
    return functional.linear(x, weight, bias)


@operation("matmul")
def matmul(
    x: Tensor, y: Tensor, transpose_x: Number = False, transpose_y: Number = False
) -> Tensor:
    """Of the last two axes, each transposed on demand."""
    left = x.transpose(-1, -2) if bool(transpose_x) else x
    return left @ (y.transpose(-1, -2) if bool(transpose_y) else y)


@operation("einsum")
def einsum(values: list[Tensor], equation: str) -> Tensor:
    """Einstein's summation."""
    return torch.einsum(equation, *values)


@operation("softmax")
def softmax(x: Tensor, axis: Number = -1) -> Tensor:
    """Exponentials that sum to one along the axis."""
    return x.softmax(int(axis))


@operation("scaled_dot_product_attention")
def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None
) -> Tensor:
    """Scaled by 1 / sqrt(E); a mask of numbers is added, one of booleans says what may be seen."""
    return functional.scaled_dot_product_attention(query, key, value, attn_mask)
