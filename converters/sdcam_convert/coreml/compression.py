"""Smaller weights. It saves disk and download, not time: the GPU unpacks them when it loads."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdcam_convert.coreml.options import PALETTE_BITS, CoreMLOptions
from sdcam_convert.coreml.palette import Histogram, look_up, share_bits

_SMALLEST = 2048  # weights of a layer that is worth it; coremltools' own measure


def compress(package: Path, options: CoreMLOptions) -> None:
    """Writes a saved package anew, in place."""
    import coremltools as ct
    import coremltools.optimize.coreml as cto

    model = ct.models.MLModel(str(package), skip_model_load=True)
    kind = options.compression
    if kind == "int8":
        config = cto.OptimizationConfig(
            global_config=cto.OpLinearQuantizerConfig(
                mode="linear_symmetric", weight_threshold=_SMALLEST
            )
        )
        smaller = cto.linear_quantize_weights(model, config)
    elif kind.startswith("palette-"):
        config = cto.OptimizationConfig(global_config=_palettizer(int(kind.rpartition("-")[2])))
        smaller = cto.palettize_weights(model, config)
    else:
        smaller = cto.palettize_weights(model, _by_sensitivity(model, options.mixed_bits))
    shutil.rmtree(package)
    smaller.save(str(package))


def _by_sensitivity(model: Any, average: float) -> Any:
    """Bits for each layer, by what palettes of each size do to its weights."""
    import coremltools.optimize.coreml as cto

    sizes: dict[str, int] = {}
    errors: dict[str, dict[int, float]] = {}
    for name, weight in cto.get_weights_metadata(model, weight_threshold=_SMALLEST).items():
        histogram = Histogram(weight.val)
        sizes[name] = histogram.size
        errors[name] = {bits: histogram.palette(bits).error for bits in PALETTE_BITS}
    chosen = share_bits(sizes, errors, average)
    return cto.OptimizationConfig(
        op_name_configs={name: _palettizer(bits) for name, bits in chosen.items()}
    )


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
