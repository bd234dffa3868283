"""A saved Core ML package (an ML Program), executed operation by operation.

What Core ML does to numbers is modelled this far: an operation computes in float32, and its result
is stored in the type that the program declares for it, float16 or float32. Order of sums and
fusions are the hardware's own and are not modelled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sdcam.errors import SdcamError
from sdcam_convert.mil import (  # noqa: F401  each enters its operations
    attention,
    constexpr,
    convolution,
    elementwise,
    indexing,
    reduction,
    shape,
)
from sdcam_convert.mil.operation import OPERATIONS, ProgramState
from sdcam_convert.mil.package import read_program, types
from sdcam_convert.mil.pictures import picture_layout, to_picture, to_tensor

Array = NDArray[Any]
Precision = Literal["fp16", "fp32"]

_STORED: Final = {
    types.fp16: torch.float16,
    types.fp32: torch.float32,
    types.int8: torch.int8,
    types.int16: torch.int16,
    types.int32: torch.int32,
    types.uint8: torch.uint8,
    types.uint16: torch.int32,  # torch computes little with uint16
    types.bool: torch.bool,
}
_FOREVER = 1 << 62
_LARGEST_HALF = 65504.0


class Program:
    """
    Args:
        function: coremltools' MIL function, in memory.
        pictures: inputs and outputs that are pictures, with their colour space.
        name: for messages.
        precision: "fp16" stores results as the program declares; "fp32" stores them all in
            float32, which shows whether the graph is right apart from rounding.

    Raises:
        SdcamError: it has operations that are not known here; all are named.
    """

    @classmethod
    def load(cls, path: Path, precision: Precision = "fp16") -> Program:
        """The function `main` of a package.

        Raises:
            MissingError: not there, or no whole ML Program.
            SdcamError: it has operations that are not known here; all are named.
        """
        description, program = read_program(path)
        features = (*description.description.input, *description.description.output)
        layouts = {feature.name: picture_layout(feature) for feature in features}
        pictures = {name: layout for name, layout in layouts.items() if layout is not None}
        function = program.functions[program.default_function_name]
        return cls(function, pictures, path.name, precision)

    def __init__(
        self,
        function: Any,
        pictures: Mapping[str, int],
        name: str,
        precision: Precision = "fp16",
    ) -> None:
        self.name = name
        self.precision = precision
        self._function = function
        self._pictures = pictures
        unknown = sorted(set(self.operations) - set(OPERATIONS))
        if unknown:
            raise SdcamError(
                f"The program {name} has operations that the evaluator does not know: "
                f"{', '.join(unknown)}.",
                "Verify it on a Mac, or teach them to sdcam_convert/mil.",
            )
        self._last_use = self._find_last_uses()
        # Results that did not fit into float16, in any run: name to largest magnitude.
        self.overflows: dict[str, float] = {}

    @property
    def operations(self) -> Counter[str]:
        """How many of each operation, without constants."""
        return Counter(o.op_type for o in self._function.operations if o.op_type != "const")

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names, without those of the states."""
        return tuple(n for n, v in self._function.inputs.items() if not _is_state(v))

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(variable.name for variable in self._function.outputs)

    def new_states(self) -> dict[str, ProgramState]:
        """A state of zeros for each that the program has, to be handed to every `run`."""
        return {
            name: ProgramState(torch.zeros([int(length) for length in variable.shape]))
            for name, variable in self._function.inputs.items()
            if _is_state(variable)
        }

    def run(
        self,
        inputs: Mapping[str, Array],
        states: Mapping[str, ProgramState] | None = None,
        as_bytes: bool = True,
    ) -> dict[str, Array]:
        """
        Args:
            inputs: arrays by name; pictures are RGB (H, W, 3) uint8.
            states: of `new_states`; fresh ones by default.
            as_bytes: pictures come as uint8; else as unrounded float32, 0 to 255.

        Returns:
            Outputs by name; floats as float32, pictures as RGB (H, W, 3).

        Raises:
            ValueError: an input is missing, unknown or of another shape.
        """
        values = self._bind(inputs, self.new_states() if states is None else states)
        with torch.inference_mode():
            for number, op in enumerate(self._function.operations):
                if op.op_type == "const":
                    continue
                results = OPERATIONS[op.op_type](**self._arguments(op, values))
                if not isinstance(results, list):
                    results = [results]
                for variable, result in zip(op.outputs, results, strict=True):
                    self._refuse_another_shape(op, variable, result)
                    if self._last_use.get(variable, -1) > number:
                        values[variable] = self._store(variable, result)
                for variable in _variables(op):
                    if self._last_use[variable] == number:
                        values.pop(variable, None)
        return {v.name: self._hand_out(v, values[v], as_bytes) for v in self._function.outputs}

    def compressed_weights(self) -> Iterator[tuple[str, int, Array]]:
        """Name, bits on disk, and the float32 weights that the program computes with."""
        for op in self._function.operations:
            if op.op_type.startswith("constexpr_"):
                arguments = self._arguments(op, {})
                unpacked = self._store(op.outputs[0], OPERATIONS[op.op_type](**arguments))
                yield op.name, constexpr.bits_of(arguments), unpacked.numpy()

    def _find_last_uses(self) -> dict[Any, int]:
        last = {
            variable: number
            for number, op in enumerate(self._function.operations)
            for variable in _variables(op)
        }
        return last | dict.fromkeys(self._function.outputs, _FOREVER)

    def _bind(
        self, inputs: Mapping[str, Array], states: Mapping[str, ProgramState]
    ) -> dict[Any, Any]:
        if set(inputs) != set(self.inputs):
            raise ValueError(f"{self.name} takes {self.inputs}, not {tuple(inputs)}")
        values: dict[Any, Any] = {}
        for name, variable in self._function.inputs.items():
            if _is_state(variable):
                values[variable] = states[name]
                continue
            layout = self._pictures.get(name)
            tensor = _tensor(inputs[name]) if layout is None else to_tensor(inputs[name], layout)
            if not _fits(variable, tensor):
                raise ValueError(f"{name} is {tuple(tensor.shape)}, not {variable.shape}")
            values[variable] = self._store(variable, tensor)
        return values

    def _arguments(self, op: Any, values: Mapping[Any, Any]) -> dict[str, Any]:
        def value(variable: Any) -> Any:
            return values[variable] if variable in values else _constant(variable)

        return {
            name: [value(v) for v in given] if isinstance(given, list | tuple) else value(given)
            for name, given in op.inputs.items()
            if given is not None
        }

    def _store(self, variable: Any, result: Tensor) -> Tensor:
        """Rounded as the program declares, and held in float32."""
        dtype = _STORED.get(variable.dtype)
        if dtype == torch.float16:
            if self.precision == "fp16":
                self._note_overflow(variable, result)
                result = result.to(torch.float16)
            dtype = torch.float32
        return result if dtype is None else result.to(dtype)

    def _note_overflow(self, variable: Any, result: Tensor) -> None:
        if not result.is_floating_point() or not result.numel():
            return
        largest = float(result.abs().max())
        if _LARGEST_HALF < largest < float("inf"):  # what is infinite already is another's fault
            self.overflows[variable.name] = max(largest, self.overflows.get(variable.name, 0.0))

    def _refuse_another_shape(self, op: Any, variable: Any, result: Tensor) -> None:
        if not _fits(variable, result):
            raise ValueError(
                f"{self.name}: {op.op_type} {op.name} gave {tuple(result.shape)}, "
                f"the program declares {variable.shape}"
            )

    def _hand_out(self, variable: Any, value: Tensor, as_bytes: bool) -> Array:
        layout = self._pictures.get(variable.name)
        if layout is not None:
            return to_picture(value, layout, as_bytes)
        array: Array = value.numpy()
        return array


def _variables(op: Any) -> Iterator[Any]:
    for given in op.inputs.values():
        if isinstance(given, list | tuple):
            yield from given
        elif given is not None:
            yield given


def _constant(variable: Any) -> Any:
    value = variable.val
    return value if isinstance(value, str) else _tensor(np.asarray(value))


def _tensor(array: Array) -> Tensor:
    """As a tensor; halves and doubles become float32, and what torch lacks its next of kin."""
    kind = array.dtype.kind
    if kind == "f":
        return torch.from_numpy(np.array(array, np.float32))
    if kind in "iu":  # coremltools marks types below a byte in the metadata of their dtype
        wide = {2: np.int32, 4: np.int64, 8: np.int64}
        plain = wide.get(array.itemsize, np.uint8) if kind == "u" else f"i{array.itemsize}"
        return torch.from_numpy(np.array(array, np.dtype(plain)))
    return torch.from_numpy(np.array(array))


def _is_state(variable: Any) -> bool:
    return bool(types.is_state(variable.sym_type))


def _fits(variable: Any, tensor: Tensor) -> bool:
    """The declared shape; an axis of flexible length has a symbol for it, which takes any."""
    declared = tuple(variable.shape)
    return len(declared) == tensor.ndim and all(
        not isinstance(length, int | np.integer) or int(length) == actual
        for length, actual in zip(declared, tensor.shape, strict=True)
    )
