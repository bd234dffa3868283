"""What pictures (N, 3, H, W) in [-1, 1] are compared by: pixels, gradients, structure, strokes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def structure(first: Tensor, second: Tensor, stride: int) -> Tensor:
    """Mean structural dissimilarity (1 - SSIM, Wang et al. 2004) over 8x8 windows.

    Windows lie `stride` pixels apart: at every pixel they cost more than the networks.
    """
    x, y = first / 2 + 0.5, second / 2 + 0.5

    def mean(values: Tensor) -> Tensor:
        return functional.avg_pool2d(values, 8, stride)

    mx, my = mean(x), mean(y)
    vx, vy = mean(x * x) - mx * mx, mean(y * y) - my * my
    covariance = mean(x * y) - mx * my
    similarity = (2 * mx * my + 1e-4) * (2 * covariance + 9e-4)
    similarity = similarity / ((mx * mx + my * my + 1e-4) * (vx + vy + 9e-4))
    return 1 - similarity.mean()


def gradients(first: Tensor, second: Tensor) -> Tensor:
    """Mean absolute difference of the pixel-to-pixel steps, across and down."""
    difference = first - second
    across = (difference[..., 1:] - difference[..., :-1]).abs().mean()
    down = (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
    return across + down


def _marks(luma: Tensor) -> Tensor:
    """How much the picture changes around each place, in four directions: (N, 4, h, w)."""
    steps = (
        luma[..., 1:-1, 2:] - luma[..., 1:-1, :-2],
        luma[..., 2:, 1:-1] - luma[..., :-2, 1:-1],
        (luma[..., 2:, 2:] - luma[..., :-2, :-2]) * 0.71,
        (luma[..., 2:, :-2] - luma[..., :-2, 2:]) * 0.71,
    )
    return functional.avg_pool2d(torch.cat(steps, 1).abs(), 10, 5)


def strokes(output: Tensor, target: Tensor) -> Tensor:
    """How unlike the marks are: their strength and direction near each place, at three scales.

    A pixel loss answers doubt about where a stroke lies with a blur; here a blur costs as much as
    a stroke of the wrong direction does, and a stroke that is a little displaced costs nothing.
    """
    weights = output.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    ours, theirs = (output * weights).sum(1, True), (target * weights).sum(1, True)
    total = output.new_zeros(())
    for scale in range(3):
        if scale:
            ours, theirs = functional.avg_pool2d(ours, 2), functional.avg_pool2d(theirs, 2)
        seen, wanted = _marks(ours), _marks(theirs)
        total = total + ((seen - wanted).abs() / (wanted + 0.03)).mean()
    return total / 3


def picture_loss(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The training loss, and within it the mean squared error (for the log)."""
    output, target = output.contiguous(), target.contiguous()
    squared = functional.mse_loss(output, target)
    loss = (output - target).abs().mean() + 2 * squared + gradients(output, target)
    fine = structure(output, target, 4)
    coarse = structure(functional.avg_pool2d(output, 2), functional.avg_pool2d(target, 2), 2)
    return loss + 0.25 * (fine + coarse), squared.detach()


def psnr(squared_error: Tensor | float) -> float:
    """Decibels of a mean squared error between pictures in [-1, 1]."""
    return float(10 * torch.log10(4 / torch.as_tensor(squared_error).clamp_min(1e-10)))
