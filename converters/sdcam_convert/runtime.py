"""Runs a saved program: through Core ML on a Mac, through the evaluator everywhere else."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sdcam_convert.mil import Program

Array = NDArray[Any]


class Runnable(Protocol):
    """A loaded program. `states` is a result of `new_states`, or None."""

    @property
    def inputs(self) -> tuple[str, ...]: ...

    @property
    def overflows(self) -> Mapping[str, float]:
        """Results that did not fit into float16, by name, with their largest magnitude."""
        ...

    def new_states(self) -> Any: ...

    def run(
        self, inputs: Mapping[str, Array], states: Any = None, as_bytes: bool = True
    ) -> dict[str, Array]: ...


def open_program(path: Path) -> Runnable:
    """
    Raises:
        MissingError: no program that can be read.
        SdcamError: the evaluator does not know all of its operations.
    """
    return CoreMLProgram(path) if sys.platform == "darwin" else Program.load(path)


def runtime_name() -> str:
    if sys.platform == "darwin":
        return "Core ML, CPU and GPU"
    return "the evaluator, results stored as declared"


class CoreMLProgram:
    """The same through Core ML itself."""

    # Core ML may release an input after the last call, and crashes if that is the last reference
    # (https://github.com/apple/coremltools/issues/2827).
    _kept: list[Any] = []  # noqa: RUF012

    def __init__(self, path: Path) -> None:
        import coremltools

        self._model = coremltools.models.MLModel(
            str(path), compute_units=coremltools.ComputeUnit.CPU_AND_GPU
        )
        described = self._model.get_spec().description
        self.inputs = tuple(feature.name for feature in described.input)
        self._has_states = len(described.state) > 0
        self.overflows: dict[str, float] = {}  # Core ML does not tell

    def new_states(self) -> Any:
        return self._model.make_state() if self._has_states else None

    def run(
        self, inputs: Mapping[str, Array], states: Any = None, as_bytes: bool = True
    ) -> dict[str, Array]:
        """Pictures come back as bytes in any case: Core ML has rounded them."""
        from PIL import Image

        given = {
            name: Image.fromarray(array) if array.dtype == np.uint8 else array
            for name, array in inputs.items()
        }
        self._kept.append(given)
        results = self._model.predict(given, state=states) if states else self._model.predict(given)
        return {
            name: np.asarray(value.convert("RGB") if isinstance(value, Image.Image) else value)
            for name, value in results.items()
        }
