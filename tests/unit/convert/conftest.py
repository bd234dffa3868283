"""Programs built in memory and saved ones, evaluated."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import coremltools
import pytest
import torch
from coremltools.converters.mil.mil import Builder, Program, types

from sdcam.models import ModelFolder
from sdcam_convert import mil

Build = Callable[..., Any]

_TYPES = {
    torch.float32: types.fp32,
    torch.float16: types.fp16,
    torch.int32: types.int32,
    torch.bool: types.bool,
}


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


@pytest.fixture(scope="session")
def tiny_conversion(
    tiny_model: ModelFolder, tmp_path_factory: pytest.TempPathFactory
) -> SimpleNamespace:
    """The tiny model in both layouts, 384x320, fp16: `bundle`, and the `lines` that were said."""
    from sdcam.models.catalogue import Provenance
    from sdcam_convert.coreml.convert import convert_coreml
    from sdcam_convert.coreml.options import CoreMLOptions

    out = tmp_path_factory.mktemp("converted") / "bundle"
    lines: list[str] = []
    origin = Provenance(source="somebody/tiny", revision="abc", licence="MIT")
    options = CoreMLOptions(layout="all", width=384, height=320)
    bundle = convert_coreml(tiny_model, out, options, lines.append, origin)
    return SimpleNamespace(bundle=bundle, lines=lines)
