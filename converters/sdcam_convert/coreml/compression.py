"""Smaller weights. It saves disk and download, not time: the GPU unpacks them when it loads.

Only those of the UNet and the text encoder. The autoencoder of the family has less than a hundredth
of a full-size model's weights, and its first layer takes differences of pixels: int8's rounding was
a tenth of the embedded model's latents.
"""

from __future__ import annotations

import functools
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdcam_convert.coreml.options import PALETTE_BITS, CoreMLOptions
from sdcam_convert.coreml.palette import Histogram, look_up, share_bits

_SMALLEST = 2048  # weights of a layer that is worth it; coremltools' own measure
# coremltools calls a layer by its place in the module that was traced: "unet_unet_conv_in_weight".
_WORTH_IT = re.compile("(fused_)?(unet|text_encoder)_")


def compress(package: Path, options: CoreMLOptions) -> None:
    """Compresses a saved package in place; leaves it alone if no layer is large enough."""
    import coremltools as ct
    import coremltools.optimize.coreml as cto

    model = ct.models.MLModel(str(package), skip_model_load=True)
    weights = {
        name: weight.val
        for name, weight in cto.get_weights_metadata(model, weight_threshold=_SMALLEST).items()
        if _WORTH_IT.match(name)
    }
    if not weights:
        return
    kind = options.compression
    if kind == "int8":
        layer = cto.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=_SMALLEST)
        layers = dict.fromkeys(weights, layer)
    elif kind.startswith("palette-"):
        layers = dict.fromkeys(weights, _palettizer(int(kind.rpartition("-")[2])))
    else:
        layers = _by_sensitivity(weights, options.mixed_bits)
    del weights
    config = cto.OptimizationConfig(op_name_configs=layers)
    write = cto.linear_quantize_weights if kind == "int8" else cto.palettize_weights
    smaller = write(model, config)
    shutil.rmtree(package)
    smaller.save(str(package))


def _by_sensitivity(weights: dict[str, NDArray[np.floating]], average: float) -> dict[str, Any]:
    """Bits for each layer, by what palettes of each size do to its weights."""
    sizes: dict[str, int] = {}
    errors: dict[str, dict[int, float]] = {}
    for name, weight in weights.items():
        histogram = Histogram(weight)
        sizes[name] = histogram.size
        errors[name] = {bits: histogram.palette(bits).error for bits in PALETTE_BITS}
    return {name: _palettizer(bits) for name, bits in share_bits(sizes, errors, average).items()}


def _palettizer(bits: int) -> Any:
    """One palette for a layer: several need macOS 15, where the Neural Engine of macOS 26 refuses
    them (coremltools#2688). Our own k-means: coremltools' takes hours for fp32 weights."""
    import coremltools.optimize.coreml as cto

    return cto.OpPalettizerConfig(
        mode="custom",
        lut_function=functools.partial(_palettize, bits=bits),
        weight_threshold=_SMALLEST,
    )


def _palettize(
    weight: NDArray[np.floating], bits: int
) -> tuple[NDArray[np.floating], NDArray[np.uint8]]:
    return look_up(weight, bits)
