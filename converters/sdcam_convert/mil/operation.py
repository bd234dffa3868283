"""The operations that the evaluator knows, by their names in MIL.

An operation is a function of tensors. It gets the arguments of the saved operation by name:
arrays and numbers as tensors (float32, whatever their type in the file), words as `str`, a list of
arrays as a list; what the file leaves out has the default that coremltools documents. It returns
a tensor, or a list of them where MIL has several outputs. `Program` rounds the results to their
storage type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from torch import Tensor

Function = TypeVar("Function", bound=Callable[..., Any])
Numbers: TypeAlias = Tensor | None  # a short list of integers or booleans
Number: TypeAlias = Tensor | float

OPERATIONS: dict[str, Callable[..., Any]] = {}


def operation(*names: str) -> Callable[[Function], Function]:
    """Registers a function under its names in MIL."""

    def enter(function: Function) -> Function:
        for name in names:
            OPERATIONS[name] = function
        return function

    return enter


def integers(values: Numbers, default: list[int]) -> list[int]:
    """A MIL list of integers or booleans as Python's."""
    return default if values is None else [int(value) for value in values.reshape(-1)]


@dataclass
class ProgramState:
    """A tensor that a program keeps from one run to the next; zeros at first."""

    value: Tensor


@operation("read_state")
def read_state(input: ProgramState) -> Tensor:  # the name is MIL's
    """The value that this run or the last one has written."""
    return input.value


@operation("coreml_update_state")
def update_state(state: ProgramState, value: Tensor) -> Tensor:
    """Keeps a value and returns it."""
    state.value = value.clone()
    return state.value
