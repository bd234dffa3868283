"""The graph check finds what must not be in a program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import coremltools
import numpy as np
import pytest
import torch
from coremltools.converters.mil.mil import Builder as mb  # noqa: N813  as Apple writes it

from sdcam.errors import MissingError
from sdcam_convert.graph_check import check_graph


@pytest.fixture
def findings(build_mil: Callable[..., Any], tmp_path: Path) -> Callable[..., list[str]]:
    def check(
        function: Callable[..., Any],
        *shapes: tuple[int, ...],
        dtype: torch.dtype = torch.float32,
    ) -> list[str]:
        program = build_mil(function, [torch.zeros(shape, dtype=dtype) for shape in shapes])
        path = tmp_path / "it.mlpackage"
        coremltools.convert(
            program,
            convert_to="mlprogram",
            minimum_deployment_target=coremltools.target.macOS14,
            compute_precision=coremltools.precision.FLOAT32,
            skip_model_load=True,
        ).save(str(path))
        return [str(finding) for finding in check_graph(path)]

    return check


def test_an_ordinary_program_has_nothing(findings: Callable[..., list[str]]) -> None:
    weight = np.ones((3, 3), np.float32)
    assert findings(lambda x: mb.relu(x=mb.linear(x=x, weight=weight)), (1, 77, 3)) == []


@pytest.mark.parametrize("wave", ["sin", "cos"])
def test_waves_of_a_timestep_are_found(wave: str, findings: Callable[..., list[str]]) -> None:
    found = findings(lambda t: getattr(mb, wave)(x=t, name="it"), (1, 160))
    assert found == [f"it.mlpackage, it: {wave} of a timestep, which half precision ruins"]


def test_an_operation_off_the_list_is_found(findings: Callable[..., list[str]]) -> None:
    found = findings(lambda x: mb.atan(x=x, name="it"), (1, 3))
    assert found == ["it.mlpackage, it: the operation atan, which no model of the family needs"]


def test_attention_of_three_dimensions_is_found(findings: Callable[..., list[str]]) -> None:
    def attention(q: Any, k: Any) -> Any:
        return mb.softmax(x=mb.matmul(x=q, y=k, transpose_y=True, name="product"), name="weights")

    found = findings(attention, (8, 5, 4), (8, 5, 4))
    assert [text.split(":")[0] for text in found] == [
        "it.mlpackage, product",
        "it.mlpackage, weights",
    ]
    assert all("three dimensions" in text for text in found)
    assert findings(attention, (1, 8, 5, 4), (1, 8, 5, 4)) == []


def test_attention_of_a_large_batch_is_found(findings: Callable[..., list[str]]) -> None:
    found = findings(lambda x: mb.softmax(x=x, name="it"), (10, 8, 5, 5))
    assert found == ["it.mlpackage, it: attention (softmax) of a batch of 10, wrong on some GPUs"]


def test_a_product_with_weights_is_no_attention(findings: Callable[..., list[str]]) -> None:
    weight = np.ones((2, 3, 4), np.float32)
    assert findings(lambda x: mb.matmul(x=x, y=weight), (2, 77, 3)) == []


def test_borders_in_float16_are_found(findings: Callable[..., list[str]]) -> None:
    found = findings(lambda x: mb.relu(x=x, name="it"), (1, 3), dtype=torch.float16)
    what = "is float16, which is cast to a new array at every call"
    assert found == [f"it.mlpackage, input_0: {what}", f"it.mlpackage, it: {what}"]


def test_what_is_no_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="is no Core ML program that can be read"):
        check_graph(tmp_path / "nothing.mlpackage")
