"""What a program keeps from one run to the next."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from sdcam_convert.mil.operation import operation


@dataclass
class ProgramState:
    """A tensor that lives as long as its owner wants; zeros at first."""

    value: Tensor


@operation("read_state")
def read_state(input: ProgramState) -> Tensor:  # the name is MIL's
    """What the last run left, or this run has written."""
    return input.value


@operation("coreml_update_state")
def update_state(state: ProgramState, value: Tensor) -> Tensor:
    """Keeps a value and gives it back."""
    state.value = value.clone()
    return state.value
