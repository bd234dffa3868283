"""Convolutions, pooling, padding and scaling of planes: (N, C, H, W), or with 1 or 3 axes."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from sdcam_convert.mil.operation import Number, Numbers, integers, operation

_CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_TRANSPOSED = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d}
_AVERAGE = {1: functional.avg_pool1d, 2: functional.avg_pool2d}
_MAXIMUM = {1: functional.max_pool1d, 2: functional.max_pool2d}


@operation("conv")
def conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    strides: Numbers = None,
    pad_type: str = "valid",
    pad: Numbers = None,
    dilations: Numbers = None,
    groups: Number = 1,
) -> Tensor:
    """Weight (out, in / groups, ...); pad holds before and after of each axis in turn."""
    axes = x.ndim - 2
    steps, reach = integers(strides, [1] * axes), integers(dilations, [1] * axes)
    window = [(k - 1) * d + 1 for k, d in zip(weight.shape[2:], reach, strict=True)]
    x = _padded(x, _margins(pad_type, pad, window, steps, x.shape[2:]))
    return _CONVOLUTIONS[axes](x, weight, bias, steps, 0, reach, int(groups))


@operation("conv_transpose")
def conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    pad: Numbers = None,
    output_shape: Numbers = None,
    pad_type: str = "valid",
    strides: Numbers = None,
    dilations: Numbers = None,
    groups: Number = 1,
) -> Tensor:
    """Weight (in, out / groups, ...); pad is cut off the result."""
    axes = x.ndim - 2
    if pad_type not in ("valid", "custom") or output_shape is not None:
        raise NotImplementedError(f'conv_transpose with pad_type "{pad_type}" or an output_shape')
    margins = integers(pad if pad_type == "custom" else None, [0] * 2 * axes)
    steps, reach = integers(strides, [1] * axes), integers(dilations, [1] * axes)
    y = _TRANSPOSED[axes](x, weight, bias, steps, 0, 0, int(groups), reach)
    for axis in range(axes):
        before, after = margins[2 * axis], margins[2 * axis + 1]
        y = y.narrow(2 + axis, before, y.shape[2 + axis] - before - after)
    return y


@operation("avg_pool")
def avg_pool(
    x: Tensor,
    kernel_sizes: Tensor,
    strides: Numbers = None,
    pad_type: str = "valid",
    pad: Numbers = None,
    exclude_padding_from_average: Number = False,
    ceil_mode: Number = False,
) -> Tensor:
    """Mean of each window; padding counts as zeros."""
    window = integers(kernel_sizes, [])
    if bool(exclude_padding_from_average) or bool(ceil_mode):
        raise NotImplementedError("avg_pool that leaves out its padding, or rounds sizes up")
    steps = integers(strides, [1] * len(window))
    x = _padded(x, _margins(pad_type, pad, window, steps, x.shape[2:]))
    return _AVERAGE[len(window)](x, window, steps)


@operation("max_pool")
def max_pool(
    x: Tensor,
    kernel_sizes: Tensor,
    strides: Numbers = None,
    pad_type: str = "valid",
    pad: Numbers = None,
    ceil_mode: Number = False,
) -> Tensor:
    """Largest of each window; padding never wins."""
    window = integers(kernel_sizes, [])
    if bool(ceil_mode):
        raise NotImplementedError("max_pool that rounds sizes up")
    steps = integers(strides, [1] * len(window))
    margins = _margins(pad_type, pad, window, steps, x.shape[2:])
    return _MAXIMUM[len(window)](_padded(x, margins, -float("inf")), window, steps)


@operation("pad")
def pad_plane(x: Tensor, pad: Tensor, mode: str = "constant", constant_val: Number = 0.0) -> Tensor:
    """The last axes, before and after each; "constant", "reflect" or "replicate"."""
    margins = integers(pad, [])
    if mode == "constant":
        return _padded(x, margins, float(constant_val))
    while margins and margins[0] == margins[1] == 0:  # torch mirrors the last axes only
        margins = margins[2:]
    return functional.pad(x, _reversed(margins), mode) if margins else x


@operation("upsample_nearest_neighbor")
def upsample_nearest_neighbor(
    x: Tensor, scale_factor_height: Number = 1, scale_factor_width: Number = 1
) -> Tensor:
    """Each pixel becomes a block; factors may be fractions."""
    factors = (float(scale_factor_height), float(scale_factor_width))
    return functional.interpolate(x, scale_factor=factors, mode="nearest")


@operation("resize_nearest_neighbor")
def resize_nearest_neighbor(
    x: Tensor, target_size_height: Number, target_size_width: Number
) -> Tensor:
    """To a size in pixels."""
    size = (int(target_size_height), int(target_size_width))
    return functional.interpolate(x, size=size, mode="nearest")


@operation("upsample_bilinear")
def upsample_bilinear(
    x: Tensor,
    scale_factor_height: Number = 1,
    scale_factor_width: Number = 1,
    align_corners: Number = True,
    half_pixel_centers: Number | None = None,
) -> Tensor:
    """As torch has it, where centres of pixels or corners are aligned."""
    aligned = bool(align_corners)
    if not aligned and half_pixel_centers is not None and not bool(half_pixel_centers):
        raise NotImplementedError("upsample_bilinear that aligns neither corners nor centres")
    factors = (float(scale_factor_height), float(scale_factor_width))
    return functional.interpolate(x, scale_factor=factors, mode="bilinear", align_corners=aligned)


@operation("pixel_shuffle")
def pixel_shuffle(x: Tensor, upscale_factor: Number) -> Tensor:
    """(N, C f f, H, W) to (N, C, H f, W f)"""
    return functional.pixel_shuffle(x, int(upscale_factor))


@operation("pixel_unshuffle")
def pixel_unshuffle(x: Tensor, downscale_factor: Number) -> Tensor:
    """(N, C, H f, W f) to (N, C f f, H, W)"""
    return functional.pixel_unshuffle(x, int(downscale_factor))


def _margins(
    pad_type: str, pad: Numbers, window: list[int], steps: list[int], size: list[int]
) -> list[int]:
    """Before and after of each axis. "same" gives size / step results, and of an odd margin the
    larger half comes after; with "same_lower", before."""
    if pad_type == "valid":
        return [0] * 2 * len(window)
    if pad_type == "custom":
        return integers(pad, [0] * 2 * len(window))
    margins: list[int] = []
    for extent, step, length in zip(window, steps, size, strict=True):
        total = max((-(-length // step) - 1) * step + extent - length, 0)
        halves = (total // 2, total - total // 2)
        margins += halves if pad_type == "same" else reversed(halves)
    return margins


def _padded(x: Tensor, margins: list[int], value: float = 0.0) -> Tensor:
    return functional.pad(x, _reversed(margins), value=value) if any(margins) else x


def _reversed(margins: list[int]) -> list[int]:
    """torch begins with the last axis."""
    pairs = zip(margins[::2], margins[1::2], strict=True)
    return [margin for pair in reversed(list(pairs)) for margin in pair]
