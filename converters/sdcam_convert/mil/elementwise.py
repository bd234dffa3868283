"""Operations on each element: arithmetic, comparisons, activations, casts."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from sdcam_convert.mil.operation import OPERATIONS, Number, operation

_UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "abs": torch.abs,
    "ceil": torch.ceil,
    "cos": torch.cos,
    "erf": torch.erf,
    "exp": torch.exp,
    "floor": torch.floor,
    "identity": lambda x: x,
    "logical_not": torch.logical_not,
    "relu": functional.relu,
    "round": torch.round,
    "sigmoid": torch.sigmoid,
    "sign": torch.sign,
    "silu": functional.silu,
    "sin": torch.sin,
    "softplus": functional.softplus,
    "sqrt": torch.sqrt,
    "square": torch.square,
    "tanh": torch.tanh,
}
_BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "equal": torch.eq,
    "floor_div": torch.floor_divide,
    "greater": torch.gt,
    "greater_equal": torch.ge,
    "less": torch.lt,
    "less_equal": torch.le,
    "logical_and": torch.logical_and,
    "logical_or": torch.logical_or,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "mod": torch.remainder,
    "mul": torch.mul,
    "not_equal": torch.ne,
    "pow": torch.pow,
    "sub": torch.sub,
}
_DTYPES = {
    "fp16": torch.float32,  # the program rounds what it stores
    "fp32": torch.float32,
    "int8": torch.int8,
    "int16": torch.int16,
    "int32": torch.int32,
    "uint8": torch.uint8,
    "uint16": torch.int32,  # torch computes little with uint16
    "bool": torch.bool,
}


def _unary(function: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """Called by MIL's names, which are not torch's."""

    def call(x: Tensor) -> Tensor:
        return function(x)

    return call


def _binary(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    def call(x: Tensor, y: Tensor) -> Tensor:
        return function(x, y)

    return call


OPERATIONS.update({name: _unary(function) for name, function in _UNARY.items()})
OPERATIONS.update({name: _binary(function) for name, function in _BINARY.items()})


@operation("real_div")
def real_div(x: Tensor, y: Tensor) -> Tensor:
    """Quotient; of integers, rounded towards zero."""
    return x / y if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc")


@operation("inverse")
def inverse(x: Tensor, epsilon: Number = 1e-4) -> Tensor:
    """1 / (x + epsilon)"""
    return 1 / (x + epsilon)


@operation("rsqrt")
def rsqrt(x: Tensor, epsilon: Number = 1e-12) -> Tensor:
    """1 / sqrt(x + epsilon)"""
    return torch.rsqrt(x + epsilon)


@operation("log")
def log(x: Tensor, epsilon: Number = 1e-45) -> Tensor:
    """log(x + epsilon)"""
    return torch.log(x + epsilon)


@operation("clip")
def clip(x: Tensor, alpha: Number, beta: Number) -> Tensor:
    """Between alpha and beta."""
    return x.clamp(float(alpha), float(beta))


@operation("leaky_relu")
def leaky_relu(x: Tensor, alpha: Number = 0.01) -> Tensor:
    """alpha is the slope below zero."""
    return functional.leaky_relu(x, float(alpha))


@operation("gelu")
def gelu(x: Tensor, mode: str = "EXACT") -> Tensor:
    """EXACT, TANH_APPROXIMATION, or SIGMOID_APPROXIMATION (CLIP-L's "quick" GELU)."""
    if mode == "EXACT":
        return functional.gelu(x)
    if mode == "TANH_APPROXIMATION":
        return functional.gelu(x, approximate="tanh")
    return x * torch.sigmoid(1.702 * x)


@operation("select")
def select(cond: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """a where the condition holds, else b."""
    return torch.where(cond.bool(), a, b)


@operation("cast")
def cast(x: Tensor, dtype: str) -> Tensor:
    """To another type; floats to integers lose their fraction."""
    return x.to(_DTYPES[dtype])
