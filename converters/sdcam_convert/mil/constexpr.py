"""Compressed weights: constants that are computed from smaller ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sdcam_convert.mil.operation import Number, Numbers, integers, operation

_WHOLE = 8  # what is not in palettes is int8: this project makes nothing smaller of that kind


@operation("constexpr_affine_dequantize")
def affine_dequantize(
    quantized_data: Tensor, zero_point: Tensor, scale: Tensor, axis: Number
) -> Tensor:
    """scale (data - zero_point); both one for all, or one for each place of the axis."""
    shape = [1] * quantized_data.ndim
    shape[int(axis)] = -1

    def along_axis(values: Tensor) -> Tensor:
        return values.float().reshape(shape if values.ndim else ())

    return (quantized_data.float() - along_axis(zero_point)) * along_axis(scale)


@operation("constexpr_blockwise_shift_scale")
def blockwise_shift_scale(data: Tensor, scale: Tensor, offset: Tensor | None = None) -> Tensor:
    """scale (data - offset), each for a block; blocks divide every axis evenly."""
    y = data.float()
    if offset is not None:
        y = y - _spread(offset.float(), data)
    return y * _spread(scale, data)


@operation("constexpr_lut_to_dense")
def lut_to_dense(
    indices: Tensor, lut: Tensor, shape: Numbers = None, vector_axis: Number | None = None
) -> Tensor:
    """Looks up each index in a palette.

    macOS 13's form has one palette, (2^bits,), and packs the indices' bits, lowest first, into
    bytes; macOS 15's has palettes (..., 2^bits, V) for blocks of the indices, whose entries are
    vectors along `vector_axis`.
    """
    if shape is not None:
        wanted = integers(shape, [])
        unpacked = _unpack(indices, int(math.log2(lut.numel())), math.prod(wanted))
        return lut.reshape(-1)[unpacked].reshape(wanted)
    entries, length = lut.shape[-2:]
    palettes = lut.reshape(-1, entries, length)
    blocks = lut.shape[:-2]
    number = torch.arange(palettes.shape[0]).reshape(blocks)
    vectors = palettes[_spread(number, indices), indices.long()]  # (*indices, V)
    if length == 1:
        return vectors.squeeze(-1)
    axis = int(vector_axis or 0) % indices.ndim
    return vectors.movedim(-1, axis + 1).flatten(axis, axis + 1)


@operation("constexpr_sparse_to_dense")
def sparse_to_dense(nonzero_data: Tensor, mask: Tensor, shape: Numbers = None) -> Tensor:
    """Zeros but where the mask is set; with a shape, the mask is packed into bytes."""
    if shape is not None:
        wanted = integers(shape, [])
        mask = _unpack(mask, 1, math.prod(wanted)).reshape(wanted)
    y = torch.zeros(mask.shape, dtype=nonzero_data.dtype)
    y[mask.bool()] = nonzero_data
    return y


@operation("constexpr_cast")
def constexpr_cast(source_val: Tensor, output_dtype: str = "fp32") -> Tensor:
    """Half precision on disk, single in the program."""
    return source_val


def bits_of(arguments: Mapping[str, Any]) -> int:
    """Bits that a weight has on disk, by the arguments of its operation: those of its place in a
    palette, or its own."""
    palette = arguments.get("lut")
    if palette is None:
        return _WHOLE
    return int(math.log2(palette.numel() if palette.ndim == 1 else palette.shape[-2]))


def _spread(values: Tensor, over: Tensor) -> Tensor:
    """Values of blocks, repeated to the shape that the blocks divide."""
    for axis, length in enumerate(over.shape):
        times = length // values.shape[axis]
        values = values if times == 1 else values.repeat_interleave(times, axis)
    return values


def _unpack(packed: Tensor, bits: int, count: int) -> Tensor:
    """Unsigned numbers of at most 8 bits out of bytes, lowest bit first: (count,)."""
    flat = np.unpackbits(packed.numpy().reshape(-1), bitorder="little")
    rows = flat[: count * bits].reshape(count, bits)
    return torch.from_numpy(np.packbits(rows, axis=1, bitorder="little")[:, 0]).long()
