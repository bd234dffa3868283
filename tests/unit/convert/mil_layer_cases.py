"""Operations of the evaluator that compute: of elements, planes, norms, attention; beside torch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from coremltools.converters.mil.mil import Builder as mb  # noqa: N813  as Apple writes it
from torch import Tensor
from torch.nn import functional

RANDOM = torch.Generator().manual_seed(0)


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=RANDOM)


def whole(*shape: int, low: int = -9, high: int = 9) -> Tensor:
    return torch.randint(low, high, shape, generator=RANDOM, dtype=torch.int32)


class Case(NamedTuple):
    operation: str
    build: Callable[..., Any]  # of MIL variables
    expected: Callable[..., Any]  # of tensors
    inputs: list[Tensor]
    target: str = "macOS14"


X, Y = normal(2, 3, 4), normal(2, 3, 4)
POSITIVE = X.abs() + 0.1
INT, COUNT = whole(2, 5), whole(2, 5, low=1)
PLANE = normal(1, 4, 7, 9)
KERNEL, BIAS = normal(6, 4, 3, 3), normal(6)
GROUPED = normal(6, 2, 3, 3)
Q, K, V = normal(1, 2, 5, 8), normal(1, 2, 7, 8), normal(1, 2, 7, 8)
GAMMA, BETA = normal(4), normal(4)
TABLE = normal(6, 3)


def unary(name: str, expected: Callable[[Tensor], Tensor], x: Tensor = X) -> Case:
    return Case(name, lambda v: getattr(mb, name)(x=v), expected, [x])


def binary(name: str, expected: Callable[..., Tensor], x: Tensor = X, y: Tensor = Y) -> Case:
    return Case(name, lambda v, w: getattr(mb, name)(x=v, y=w), expected, [x, y])


ELEMENTWISE = [
    unary("abs", torch.abs),
    unary("ceil", torch.ceil),
    unary("cos", torch.cos),
    unary("erf", torch.erf),
    unary("exp", torch.exp),
    unary("floor", torch.floor),
    unary("identity", lambda x: x),
    unary("logical_not", torch.logical_not, X > 0),
    unary("relu", torch.relu),
    unary("round", torch.round, torch.tensor([0.5, 1.5, -2.5, 2.4])),
    unary("sigmoid", torch.sigmoid),
    unary("sign", torch.sign),
    unary("silu", functional.silu),
    unary("sin", torch.sin),
    unary("softplus", functional.softplus),
    unary("sqrt", torch.sqrt, POSITIVE),
    unary("square", torch.square),
    unary("tanh", torch.tanh),
    binary("add", torch.add),
    binary("add", torch.add, X, normal(3, 1)),
    binary("sub", torch.sub),
    binary("mul", torch.mul),
    binary("mul", torch.mul, INT, COUNT),
    binary("real_div", torch.div),
    binary("maximum", torch.maximum),
    binary("minimum", torch.minimum),
    binary("pow", torch.pow, POSITIVE, Y),
    binary("mod", torch.remainder, INT, COUNT),
    binary("floor_div", torch.floor_divide, INT, COUNT),
    binary("equal", torch.eq, INT, COUNT),
    binary("not_equal", torch.ne, INT, COUNT),
    binary("greater", torch.gt),
    binary("greater_equal", torch.ge, INT, COUNT),
    binary("less", torch.lt),
    binary("less_equal", torch.le, INT, COUNT),
    binary("logical_and", torch.logical_and, X > 0, Y > 0),
    binary("logical_or", torch.logical_or, X > 0, Y > 0),
    Case("maximum", lambda v: mb.maximum(x=v, y=0.25), lambda x: x.clamp(min=0.25), [X]),
    Case("inverse", lambda v: mb.inverse(x=v, epsilon=0.5), lambda x: 1 / (x + 0.5), [POSITIVE]),
    Case("rsqrt", lambda v: mb.rsqrt(x=v, epsilon=0.5), lambda x: (x + 0.5).rsqrt(), [POSITIVE]),
    Case("log", lambda v: mb.log(x=v, epsilon=0.5), lambda x: (x + 0.5).log(), [POSITIVE]),
    Case("clip", lambda v: mb.clip(x=v, alpha=-0.5, beta=1.0), lambda x: x.clamp(-0.5, 1), [X]),
    Case(
        "leaky_relu",
        lambda v: mb.leaky_relu(x=v, alpha=0.2),
        lambda x: functional.leaky_relu(x, 0.2),
        [X],
    ),
    Case("gelu", lambda v: mb.gelu(x=v), functional.gelu, [X]),
    Case(
        "gelu",
        lambda v: mb.gelu(x=v, mode="TANH_APPROXIMATION"),
        lambda x: functional.gelu(x, approximate="tanh"),
        [X],
    ),
    Case(
        "gelu",
        lambda v: mb.gelu(x=v, mode="SIGMOID_APPROXIMATION"),
        lambda x: x * torch.sigmoid(1.702 * x),
        [X],
    ),
    Case("select", lambda c, a, b: mb.select(cond=c, a=a, b=b), torch.where, [X > 0, X, Y]),
    Case("cast", lambda v: mb.cast(x=v, dtype="int32"), lambda x: x.int(), [X * 9]),
    Case("cast", lambda v: mb.cast(x=v, dtype="bool"), lambda x: x.bool(), [INT]),
    Case(
        "cast",
        lambda v: mb.cast(x=mb.cast(x=v, dtype="fp16"), dtype="fp32"),
        lambda x: x.half().float(),
        [X],
    ),
]

PLANES = [
    Case(
        "conv",
        lambda v: mb.conv(x=v, weight=KERNEL.numpy(), bias=BIAS.numpy(), strides=[2, 1]),
        lambda x: functional.conv2d(x, KERNEL, BIAS, (2, 1)),
        [PLANE],
    ),
    Case(
        "conv",
        lambda v: mb.conv(
            x=v, weight=GROUPED.numpy(), groups=2, pad_type="custom", pad=[1, 2, 3, 0]
        ),
        lambda x: functional.conv2d(functional.pad(x, (3, 0, 1, 2)), GROUPED, groups=2),
        [PLANE],
    ),
    Case(
        "conv",
        lambda v: mb.conv(x=v, weight=KERNEL.numpy(), pad_type="same", dilations=[2, 2]),
        lambda x: functional.conv2d(x, KERNEL, padding="same", dilation=2),
        [PLANE],
    ),
    Case(  # 8 wide at stride 2: the odd column of padding comes after
        "conv",
        lambda v: mb.conv(x=v, weight=KERNEL.numpy(), pad_type="same", strides=[2, 2]),
        lambda x: functional.conv2d(functional.pad(x, (0, 1, 0, 1)), KERNEL, stride=2),
        [normal(1, 4, 8, 8)],
    ),
    Case(
        "conv",
        lambda v: mb.conv(x=v, weight=KERNEL.numpy(), pad_type="same_lower", strides=[2, 2]),
        lambda x: functional.conv2d(functional.pad(x, (1, 0, 1, 0)), KERNEL, stride=2),
        [normal(1, 4, 8, 8)],
    ),
    Case(
        "conv",
        lambda v: mb.conv(x=v, weight=KERNEL[..., 0].numpy()),
        lambda x: functional.conv1d(x, KERNEL[..., 0]),
        [normal(1, 4, 9)],
    ),
    Case(
        "conv_transpose",
        lambda v: mb.conv_transpose(
            x=v,
            weight=KERNEL.numpy(),
            strides=[2, 2],
            pad_type="custom",
            pad=[1, 1, 1, 1],
        ),
        lambda x: functional.conv_transpose2d(x, KERNEL, stride=2, padding=1),
        [normal(1, 6, 5, 4)],
    ),
    Case(
        "avg_pool",
        lambda v: mb.avg_pool(
            x=v, kernel_sizes=[2, 3], strides=[2, 1], pad_type="custom", pad=[1, 1, 1, 1]
        ),
        lambda x: functional.avg_pool2d(functional.pad(x, (1, 1, 1, 1)), (2, 3), (2, 1)),
        [PLANE],
    ),
    Case(
        "max_pool",
        lambda v: mb.max_pool(
            x=v, kernel_sizes=[3, 3], strides=[2, 2], pad_type="custom", pad=[1, 1, 1, 1]
        ),
        lambda x: functional.max_pool2d(x, 3, 2, 1),
        [PLANE - 9],
    ),
    Case(
        "pad",
        lambda v: mb.pad(x=v, pad=[0, 0, 0, 0, 1, 0, 2, 3], constant_val=7.0),
        lambda x: functional.pad(x, (2, 3, 1, 0), value=7.0),
        [PLANE],
    ),
    Case(
        "pad",
        lambda v: mb.pad(x=v, pad=[0, 0, 0, 0, 1, 2, 2, 3], mode="reflect"),
        lambda x: functional.pad(x, (2, 3, 1, 2), mode="reflect"),
        [PLANE],
    ),
    Case(
        "pad",
        lambda v: mb.pad(x=v, pad=[0, 0, 0, 0, 1, 2, 2, 3], mode="replicate"),
        lambda x: functional.pad(x, (2, 3, 1, 2), mode="replicate"),
        [PLANE],
    ),
    Case(
        "upsample_nearest_neighbor",
        lambda v: mb.upsample_nearest_neighbor(x=v, scale_factor_height=2, scale_factor_width=3),
        lambda x: x.repeat_interleave(2, 2).repeat_interleave(3, 3),
        [PLANE],
    ),
    Case(
        "resize_nearest_neighbor",
        lambda v: mb.resize_nearest_neighbor(x=v, target_size_height=14, target_size_width=9),
        lambda x: x.repeat_interleave(2, 2),
        [PLANE],
    ),
    Case(
        "upsample_bilinear",
        lambda v: mb.upsample_bilinear(
            x=v, scale_factor_height=2, scale_factor_width=2, align_corners=False
        ),
        lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False),
        [PLANE],
    ),
    Case(
        "upsample_bilinear",
        lambda v: mb.upsample_bilinear(
            x=v, scale_factor_height=3, scale_factor_width=2, align_corners=True
        ),
        lambda x: functional.interpolate(
            x, scale_factor=(3, 2), mode="bilinear", align_corners=True
        ),
        [PLANE],
    ),
    Case(
        "pixel_shuffle",
        lambda v: mb.pixel_shuffle(x=v, upscale_factor=2),
        lambda x: functional.pixel_shuffle(x, 2),
        [normal(1, 12, 3, 5)],
    ),
    Case(
        "pixel_unshuffle",
        lambda v: mb.pixel_unshuffle(x=v, downscale_factor=np.uint32(2)),
        lambda x: functional.pixel_unshuffle(x, 2),
        [normal(1, 3, 6, 10)],
    ),
]

NORMALISATIONS = [
    Case(
        "layer_norm",
        lambda v: mb.layer_norm(
            x=v, axes=[-1], gamma=GAMMA.numpy(), beta=BETA.numpy(), epsilon=1e-3
        ),
        lambda x: functional.layer_norm(x, [4], GAMMA, BETA, 1e-3),
        [X],
    ),
    Case(
        "layer_norm",  # over channels, which torch only has with other layouts
        lambda v: mb.layer_norm(x=v, axes=[1], gamma=GAMMA.numpy(), beta=BETA.numpy()),
        lambda x: functional.layer_norm(x.movedim(1, -1), [4], GAMMA, BETA).movedim(-1, 1),
        [PLANE],
    ),
    Case(
        "instance_norm",
        lambda v: mb.instance_norm(x=v, gamma=GAMMA.numpy(), beta=BETA.numpy(), epsilon=1e-2),
        lambda x: functional.instance_norm(x, weight=GAMMA, bias=BETA, eps=1e-2),
        [PLANE],
    ),
    Case(
        "batch_norm",
        lambda v: mb.batch_norm(
            x=v,
            mean=BETA.numpy(),
            variance=GAMMA.square().numpy(),
            gamma=GAMMA.numpy(),
            beta=BETA.numpy(),
        ),
        lambda x: functional.batch_norm(x, BETA, GAMMA.square(), GAMMA, BETA),
        [PLANE],
    ),
    Case(
        "l2_norm",
        lambda v: mb.l2_norm(x=v),
        lambda x: x / x.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1),
        [normal(2, 3, 4, 5)],
    ),
]

ATTENTION = [
    Case(
        "linear",
        lambda v: mb.linear(x=v, weight=TABLE.T.numpy(), bias=BETA[:3].numpy()),
        lambda x: functional.linear(x, TABLE.T, BETA[:3]),
        [normal(1, 5, 6)],
    ),
    Case(
        "matmul",
        lambda v, w: mb.matmul(x=v, y=w, transpose_y=True),
        lambda q, k: q @ k.transpose(2, 3),
        [Q, K],
    ),
    Case(
        "matmul",
        lambda v, w: mb.matmul(x=v, y=w, transpose_x=True),
        lambda k, v: k.transpose(2, 3) @ v,
        [K, V],
    ),
    Case(
        "einsum",
        lambda v, w: mb.einsum(values=[v, w], equation="nchw,nwhu->nchu"),
        lambda x, y: (x.transpose(1, 2) @ y.transpose(1, 2)).transpose(1, 2),
        [normal(1, 3, 4, 5), normal(1, 5, 4, 6)],
    ),
    Case("softmax", lambda v: mb.softmax(x=v, axis=1), lambda x: x.softmax(1), [Q]),
    Case("softmax", lambda v: mb.softmax(x=v), lambda x: x.softmax(-1), [Q]),
    Case(
        "scaled_dot_product_attention",
        lambda q, k, v: mb.scaled_dot_product_attention(query=q, key=k, value=v),
        lambda q, k, v: (q @ k.transpose(2, 3) / math.sqrt(8)).softmax(-1) @ v,
        [Q, K, V],
        "macOS15",
    ),
    Case(
        "scaled_dot_product_attention",
        lambda q, k, v, m: mb.scaled_dot_product_attention(query=q, key=k, value=v, attn_mask=m),
        lambda q, k, v, m: (q @ k.transpose(2, 3) / math.sqrt(8) + m).softmax(-1) @ v,
        [Q, K, V, normal(5, 7)],
        "macOS15",
    ),
]
