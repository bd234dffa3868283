"""The autoencoder begins as the best linear one: principal components of 8x8x3 blocks.

From random weights it sticks at the mean picture for hundreds of steps. The residual blocks end in
a ReLU, so each component travels twice, as z and as -z: relu(z) - relu(-z) = z.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from diffusers import AutoencoderTiny
from torch import Tensor

from .dataset import TILE, Random, Tiles
from .networks import PICTURE_CHANNELS

# The decoder squashes latents by tanh(z / 3); components have heavy tails, so keep them below 1.
LATENT_SPREAD = 0.6


def blocks(tiles: Tiles, count: int, random: Random) -> npt.NDArray[np.float32]:
    """Flattened 8x8x3 blocks, channels first as pixel_unshuffle orders them, (N, 192) in [0, 1]."""
    chosen = []
    for _ in range(count):
        layer = int(random.integers(0, tiles.layers)) if random.random() < 0.5 else 0
        (picture,), _ = tiles.crop(int(random.integers(len(tiles))), [layer], TILE, random)
        grid = picture.reshape(TILE // 8, 8, TILE // 8, 8, 3).transpose(0, 2, 4, 1, 3)
        chosen.append(grid.reshape(-1, 192)[::5])
    return np.asarray(np.concatenate(chosen) / np.float32(255), np.float32)


def components(sample: npt.NDArray[np.float32], count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (192,), directions (count, 192) and spreads (count,) of the leading components."""
    mean = sample.mean(0)
    centred = (sample - mean).astype(np.float64)
    variances, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    leading = np.argsort(variances)[::-1][:count].copy()
    return (
        torch.from_numpy(mean),
        torch.from_numpy(directions.T[leading].astype(np.float32)),
        torch.from_numpy(np.sqrt(variances[leading]).astype(np.float32)),
    )


def linear_start(vae: AutoencoderTiny, sample: npt.NDArray[np.float32]) -> None:
    """Sets an untrained autoencoder with patch 8 to the principal components of the sample.

    Channels beyond the pairs keep a tenth of their random weights, for training to use.
    """
    with torch.no_grad():
        _set_components(vae, sample)


def _set_components(vae: AutoencoderTiny, sample: npt.NDArray[np.float32]) -> None:
    count = PICTURE_CHANNELS
    mean, directions, spreads = components(sample, count)
    for layer in [*vae.encoder.layers, *vae.decoder.layers]:
        if hasattr(layer, "fuse"):  # a residual block: start as the identity
            layer.conv[-1].weight.mul_(0.1)
            layer.conv[-1].bias.zero_()
    analysis = directions * (LATENT_SPREAD / spreads)[:, None]
    synthesis = directions.T * (spreads / LATENT_SPREAD)
    first, last = vae.encoder.layers[0], vae.encoder.layers[-1]
    _set_pairs_out(first, analysis, -(analysis @ mean))
    _set_pairs_in(last, torch.eye(count), torch.zeros(count))
    first, last = vae.decoder.layers[0], vae.decoder.layers[-1]
    _set_pairs_out(first, torch.eye(count), torch.zeros(count))
    _set_pairs_in(last, synthesis, mean)


def _set_pairs_out(layer: torch.nn.Conv2d, matrix: Tensor, bias: Tensor) -> None:
    """A convolution whose first channels are matrix @ x + bias, the next ones the same negated."""
    count, inputs = matrix.shape
    layer.weight.mul_(0.1)
    layer.weight[: 2 * count].zero_()
    layer.weight[: 2 * count, :inputs, 1, 1] = torch.cat([matrix, -matrix])
    layer.bias[: 2 * count] = torch.cat([bias, -bias])


def _set_pairs_in(layer: torch.nn.Conv2d, matrix: Tensor, bias: Tensor) -> None:
    """A convolution that takes the difference of such pairs through the matrix."""
    outputs, count = matrix.shape
    layer.weight.mul_(0.1)
    layer.weight[:outputs, : 2 * count].zero_()
    layer.weight[:outputs, : 2 * count, 1, 1] = torch.cat([matrix, -matrix], 1)
    layer.bias[:outputs] = bias
