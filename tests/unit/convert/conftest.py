"""Programs built in memory and saved ones, evaluated."""

from __future__ import annotations

import gc
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

logging.getLogger("coremltools").setLevel(logging.ERROR)

import coremltools  # noqa: E402
from coremltools.converters.mil.mil import Builder, Program, types  # noqa: E402

from sdcam_convert import mil  # noqa: E402

Build = Callable[..., Any]

_TYPES = {torch.float32: types.fp32, torch.int32: types.int32, torch.bool: types.bool}


# coremltools' models leave their temporary folders to the garbage collector, which warns.
LITTER = "ignore:Implicitly cleaning up:ResourceWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(LITTER))


@pytest.fixture(scope="module", autouse=True)
def _no_litter_for_other_tests() -> Iterator[None]:
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="session")
def build_mil() -> Callable[..., Program]:
    """(function of MIL variables, its inputs, the oldest macOS) to coremltools' program."""

    def build(function: Build, inputs: list[torch.Tensor], target: str = "macOS14") -> Program:
        specs = [Builder.TensorSpec(tuple(x.shape), _TYPES[x.dtype]) for x in inputs]
        names = [f"input_{i}" for i in range(len(inputs))]
        # The builder names a program's inputs after its function's parameters.
        scope = {"function": function}
        head = f"lambda {', '.join(names)}: function({', '.join(names)})"
        opset = getattr(coremltools.target, target)
        wrap = Builder.program(input_specs=specs, opset_version=opset)
        return wrap(eval(head, scope))

    return build


@pytest.fixture(scope="session")
def evaluate(build_mil: Callable[..., Program]) -> Callable[..., list[torch.Tensor]]:
    """Like `build_mil`, and runs it."""

    def run(
        function: Build, inputs: list[torch.Tensor], target: str = "macOS14"
    ) -> list[torch.Tensor]:
        main = build_mil(function, inputs, target).functions["main"]
        program = mil.Program(main, {}, "test")
        given = {name: x.numpy() for name, x in zip(program.inputs, inputs, strict=True)}
        results = program.run(given)
        return [torch.from_numpy(results[name]) for name in program.outputs]

    return run
