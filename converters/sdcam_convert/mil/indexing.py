"""Operations that pick elements by their place."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sdcam_convert.mil.operation import Number, Numbers, integers, operation


@operation("slice_by_index")
def slice_by_index(
    x: Tensor,
    begin: Tensor,
    end: Tensor,
    stride: Numbers = None,
    begin_mask: Numbers = None,
    end_mask: Numbers = None,
    squeeze_mask: Numbers = None,
) -> Tensor:
    """Python's slices; a mask that is set takes the axis from its beginning or to its end, or
    takes one place and drops the axis. A negative stride walks backwards."""
    places = _places(x, begin, end, stride, begin_mask, end_mask, squeeze_mask)
    for axis, place in enumerate(places):
        if isinstance(place, slice) and place.step is not None and place.step < 0:
            chosen = np.arange(x.shape[axis])[place]
            x = x.index_select(axis, torch.from_numpy(chosen.copy()))
            places[axis] = slice(None)
    return x[tuple(places)]


@operation("slice_by_size")
def slice_by_size(x: Tensor, begin: Tensor, size: Tensor) -> Tensor:
    """So many from each beginning; -1 is the rest."""
    starts = [start % x.shape[axis] for axis, start in enumerate(integers(begin, []))]
    places = [
        slice(start, None if length == -1 else start + length)
        for start, length in zip(starts, integers(size, []), strict=True)
    ]
    return x[tuple(places)]


@operation("slice_update")
def slice_update(
    x: Tensor,
    update: Tensor,
    begin: Tensor,
    end: Tensor,
    stride: Numbers = None,
    begin_mask: Numbers = None,
    end_mask: Numbers = None,
    squeeze_mask: Numbers = None,
) -> Tensor:
    """A copy in which a slice is replaced."""
    places = _places(x, begin, end, stride, begin_mask, end_mask, squeeze_mask)
    y = x.clone()
    y[tuple(places)] = update
    return y


@operation("gather")
def gather(
    x: Tensor,
    indices: Tensor,
    axis: Number = 0,
    batch_dims: Number = 0,
    validate_indices: Number = False,
) -> Tensor:
    """Places along an axis; negative ones count from its end."""
    _refuse_batches(batch_dims)
    along = int(axis) % x.ndim
    places = _from_start(indices, x.shape[along])
    picked = x.index_select(along, places.reshape(-1))
    return picked.reshape([*x.shape[:along], *places.shape, *x.shape[along + 1 :]])


@operation("gather_along_axis")
def gather_along_axis(
    x: Tensor, indices: Tensor, axis: Number = 0, validate_indices: Number = False
) -> Tensor:
    """Places along an axis, others for each of the other axes."""
    along = int(axis) % x.ndim
    return torch.gather(x, along, _from_start(indices, x.shape[along]))


@operation("gather_nd")
def gather_nd(
    x: Tensor, indices: Tensor, batch_dims: Number = 0, validate_indices: Number = False
) -> Tensor:
    """The last axis of the indices is a place on the first axes of x."""
    _refuse_batches(batch_dims)
    return x[tuple(indices.long().unbind(-1))]


def _places(
    x: Tensor,
    begin: Tensor,
    end: Tensor,
    stride: Numbers,
    begin_mask: Numbers,
    end_mask: Numbers,
    squeeze_mask: Numbers,
) -> list[Any]:
    unmasked = [0] * x.ndim
    from_start, to_end = integers(begin_mask, unmasked), integers(end_mask, unmasked)
    single = integers(squeeze_mask, unmasked)
    starts, ends = integers(begin, []), integers(end, [])
    steps = integers(stride, [1] * x.ndim)
    return [
        starts[i]
        if single[i]
        else slice(None if from_start[i] else starts[i], None if to_end[i] else ends[i], steps[i])
        for i in range(x.ndim)
    ]


def _from_start(indices: Tensor, length: int) -> Tensor:
    places = indices.long()
    return torch.where(places < 0, places + length, places)


def _refuse_batches(batch_dims: Number) -> None:
    if int(batch_dims):
        raise NotImplementedError("gather with batch_dims")
