"""Operations that move elements and change none."""

from __future__ import annotations

import torch
from torch import Tensor

from sdcam_convert.mil.operation import Number, Numbers, integers, operation


@operation("shape")
def shape_of(x: Tensor) -> Tensor:
    """The lengths of the axes."""
    return torch.tensor(x.shape, dtype=torch.int32)


@operation("reshape")
def reshape(x: Tensor, shape: Tensor) -> Tensor:
    """0 keeps the axis of the same place, -1 is what is left."""
    wanted = integers(shape, [])
    return x.reshape([x.shape[i] if length == 0 else length for i, length in enumerate(wanted)])


@operation("transpose")
def transpose(x: Tensor, perm: Tensor) -> Tensor:
    """Axis i of the result is axis perm[i]."""
    return x.permute(integers(perm, []))


@operation("expand_dims")
def expand_dims(x: Tensor, axes: Tensor) -> Tensor:
    """Axes of length 1; their numbers are those of the result."""
    wanted = integers(axes, [])
    rank = x.ndim + len(wanted)
    for axis in sorted(axis % rank for axis in wanted):
        x = x.unsqueeze(axis)
    return x


@operation("squeeze")
def squeeze(x: Tensor, axes: Numbers = None) -> Tensor:
    """Without these axes of length 1; without all of them by default."""
    return x.squeeze() if axes is None else x.squeeze(tuple(integers(axes, [])))


@operation("concat")
def concat(values: list[Tensor], axis: Number, interleave: Number = False) -> Tensor:
    """Joined along an axis; interleaved, elements take turns."""
    along = int(axis) % values[0].ndim
    if bool(interleave):
        return torch.stack(values, along + 1).flatten(along, along + 1)
    return torch.cat(values, along)


@operation("stack")
def stack(values: list[Tensor], axis: Number) -> Tensor:
    """Joined along a new axis."""
    return torch.stack(values, int(axis))


@operation("split")
def split(
    x: Tensor, axis: Number, num_splits: Number | None = None, split_sizes: Numbers = None
) -> list[Tensor]:
    """Into equal parts, or parts of these sizes."""
    along = int(axis)
    if split_sizes is not None:
        return list(x.split(integers(split_sizes, []), along))
    return list(x.chunk(int(num_splits or 1), along))


@operation("tile")
def tile(x: Tensor, reps: Tensor) -> Tensor:
    """Repeated along each axis."""
    return x.tile(integers(reps, []))


@operation("fill")
def fill(shape: Tensor, value: Number = 0.0) -> Tensor:
    """One value everywhere."""
    return torch.as_tensor(value).expand(integers(shape, [])).clone()


@operation("range_1d")
def range_1d(end: Number, start: Number, step: Number) -> Tensor:
    """From start, up to and without the end."""
    return torch.arange(start, end, step)


@operation("reverse")
def reverse(x: Tensor, axes: Numbers = None) -> Tensor:
    """Back to front, along all axes by default."""
    return x.flip(integers(axes, list(range(x.ndim))))


@operation("band_part")
def band_part(x: Tensor, lower: Number = -1, upper: Number = -1) -> Tensor:
    """Zero but for so many diagonals below and above the main one; -1 keeps them all."""
    below, above = int(lower), int(upper)
    x = x if below < 0 else x.triu(-below)
    return x if above < 0 else x.tril(above)
