"""Each operation of the evaluator gives what torch gives, with the parameters that matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from coremltools.converters.mil.mil import Builder as mb  # noqa: N813  as Apple writes it
from mil_layer_cases import (
    ATTENTION,
    ELEMENTWISE,
    NORMALISATIONS,
    PLANES,
    TABLE,
    Case,
    X,
    Y,
    normal,
    whole,
)
from torch import Tensor

from sdcam_convert.mil.operation import OPERATIONS


def reduction(name: str, expected: Callable[[Tensor], Tensor], **given: Any) -> Case:
    return Case(name, lambda v: getattr(mb, name)(x=v, **given), expected, [X])


REDUCTIONS = [
    reduction("reduce_mean", lambda x: x.mean((0, 2), True), axes=[0, 2], keep_dims=True),
    reduction("reduce_mean", lambda x: x.mean(-1), axes=[-1], keep_dims=False),
    reduction("reduce_sum", lambda x: x.sum(1), axes=[1], keep_dims=False),
    reduction("reduce_max", lambda x: x.amax((1, 2)), axes=[1, 2], keep_dims=False),
    reduction("reduce_min", lambda x: x.amin(0, True), axes=[0], keep_dims=True),
    reduction("reduce_sum_square", lambda x: (x * x).sum(1), axes=[1], keep_dims=False),
    reduction("reduce_l2_norm", lambda x: x.norm(dim=1), axes=[1], keep_dims=False),
    reduction("reduce_argmax", lambda x: x.argmax(1).int(), axis=1, keep_dims=False),
    reduction("reduce_argmax", lambda x: x.argmax(-1, True).int(), axis=-1, keep_dims=True),
    reduction("cumsum", lambda x: x.cumsum(1), axis=1),
    reduction("cumsum", lambda x: x.cumsum(2) - x, axis=2, exclusive=True),
    reduction("cumsum", lambda x: x.flip(1).cumsum(1).flip(1), axis=1, reverse=True),
]

SHAPES = [
    Case("shape", lambda v: mb.shape(x=v), lambda x: torch.tensor([2, 3, 4]).int(), [X]),
    Case("reshape", lambda v: mb.reshape(x=v, shape=[4, -1]), lambda x: x.reshape(4, 6), [X]),
    Case(
        "reshape", lambda v: mb.reshape(x=v, shape=[0, 12, 1]), lambda x: x.reshape(2, 12, 1), [X]
    ),
    Case(
        "transpose", lambda v: mb.transpose(x=v, perm=[2, 0, 1]), lambda x: x.permute(2, 0, 1), [X]
    ),
    Case(
        "expand_dims",
        lambda v: mb.expand_dims(x=v, axes=[0, -1]),
        lambda x: x[None, ..., None],
        [X],
    ),
    Case("squeeze", lambda v: mb.squeeze(x=v, axes=[1]), lambda x: x[:, 0], [normal(1, 1, 4)]),
    Case("squeeze", lambda v: mb.squeeze(x=v), lambda x: x[0, 0], [normal(1, 1, 4)]),
    Case(
        "concat",
        lambda v, w: mb.concat(values=[v, w], axis=1),
        lambda x, y: torch.cat([x, y], 1),
        [X, normal(2, 5, 4)],
    ),
    Case(
        "concat",
        lambda v, w: mb.concat(values=[v, w], axis=-1, interleave=True),
        lambda x, y: torch.stack([x, y], -1).flatten(-2),
        [X, Y],
    ),
    Case(
        "stack",
        lambda v, w: mb.stack(values=[v, w], axis=1),
        lambda x, y: torch.stack([x, y], 1),
        [X, Y],
    ),
    Case("split", lambda v: mb.split(x=v, num_splits=2, axis=2), lambda x: x.chunk(2, 2), [X]),
    Case(
        "split",
        lambda v: mb.split(x=v, split_sizes=[1, 3], axis=-1),
        lambda x: x.split([1, 3], -1),
        [X],
    ),
    Case("tile", lambda v: mb.tile(x=v, reps=[1, 2, 3]), lambda x: x.repeat(1, 2, 3), [X]),
    Case(
        "fill",
        lambda v: mb.add(x=v, y=mb.fill(shape=[2, 3, 4], value=1.5)),
        lambda x: x + 1.5,
        [X],
    ),
    Case("reverse", lambda v: mb.reverse(x=v, axes=[0, 2]), lambda x: x.flip(0, 2), [X]),
    Case(
        "band_part",
        lambda v: mb.band_part(x=v, lower=1, upper=0),
        lambda x: x.tril(0).triu(-1),
        [normal(5, 5)],
    ),
    Case("band_part", lambda v: mb.band_part(x=v, lower=-1, upper=0), torch.tril, [normal(5, 5)]),
    Case(
        "range_1d",
        lambda e: mb.range_1d(end=mb.squeeze(x=e), start=2, step=3),
        lambda e: torch.arange(2, 14, 3, dtype=torch.int32),
        [torch.tensor([14], dtype=torch.int32)],
    ),
]

INDEXING = [
    Case(
        "slice_by_index",
        lambda v: mb.slice_by_index(
            x=v,
            begin=[1, 0, 0],
            end=[0, 0, 3],
            stride=[1, 1, 2],
            begin_mask=[False, True, False],
            end_mask=[False, True, False],
            squeeze_mask=[True, False, False],
        ),
        lambda x: x[1, :, 0:3:2],
        [X],
    ),
    Case(
        "slice_by_index",
        lambda v: mb.slice_by_index(x=v, begin=[0, -2, -3], end=[2, 3, -1]),
        lambda x: x[:, -2:, -3:-1],
        [X],
    ),
    Case(
        "slice_by_index",
        lambda v: mb.slice_by_index(
            x=v,
            begin=[0, 0, 0],
            end=[0, 0, 0],
            stride=[1, 1, -1],
            begin_mask=[True, True, True],
            end_mask=[True, True, True],
        ),
        lambda x: x.flip(2),
        [X],
    ),
    Case(
        "slice_by_size",
        lambda v: mb.slice_by_size(x=v, begin=[0, 1, 2], size=[-1, 2, 1]),
        lambda x: x[:, 1:3, 2:3],
        [X],
    ),
    Case(
        "slice_update",
        lambda v, w: mb.slice_update(x=v, update=w, begin=[0, 1, 0], end=[2, 3, 4]),
        lambda x, y: torch.cat([x[:, :1], y], 1),
        [X, normal(2, 2, 4)],
        "macOS15",
    ),
    Case(
        "gather",
        lambda v: mb.gather(x=v, indices=[2, -1, 0], axis=1),
        lambda x: x[:, [2, 2, 0]],
        [X],
    ),
    Case(
        "gather",
        lambda t, i: mb.gather(x=t, indices=i, axis=0),
        lambda t, i: t[i.long()],
        [TABLE, whole(1, 7, low=0, high=6)],
    ),
    Case("gather", lambda v: mb.gather(x=v, indices=1, axis=-1), lambda x: x[..., 1], [X]),
    Case(
        "gather_along_axis",
        lambda v, i: mb.gather_along_axis(x=v, indices=i, axis=2),
        lambda x, i: torch.gather(x, 2, i.long()),
        [X, whole(2, 3, 6, low=0, high=4)],
    ),
    Case(
        "gather_nd",
        lambda v: mb.gather_nd(x=v, indices=[[1, 2], [0, 1]]),
        lambda x: torch.stack([x[1, 2], x[0, 1]]),
        [X],
    ),
]

CASES = [*ELEMENTWISE, *PLANES, *NORMALISATIONS, *ATTENTION, *REDUCTIONS, *SHAPES, *INDEXING]
NOT_HERE = {"read_state", "coreml_update_state"}  # test_mil_program.py


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
def test_an_operation_gives_what_torch_gives(
    case: Case, evaluate: Callable[..., list[Tensor]]
) -> None:
    expected = case.expected(*case.inputs)
    expected = expected if isinstance(expected, list | tuple) else [expected]
    results = evaluate(case.build, case.inputs, case.target)
    assert len(results) == len(expected)
    for result, wanted in zip(results, expected, strict=True):
        assert result.dtype == wanted.dtype
        torch.testing.assert_close(result, wanted, rtol=1e-5, atol=1e-5)


def test_every_operation_has_a_case() -> None:
    compressed = {name for name in OPERATIONS if name.startswith("constexpr_")}
    assert {case.operation for case in CASES} == set(OPERATIONS) - compressed - NOT_HERE
