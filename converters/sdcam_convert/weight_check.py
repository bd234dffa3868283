"""Compares compressed weights with the checkpoint's, layer by layer.

The outputs of a compressed program differ much from the reference in any case, and more the more
layers it has. Only the weights themselves show whether they are the checkpoint's, rounded: correct
ones are as near as their bits allow, damaged ones are further away than zeros would be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sdcam.models import ModelFolder
from sdcam.models.weights import WeightsFile
from sdcam_convert.difference import Difference
from sdcam_convert.graph_check import Finding
from sdcam_convert.mil import Program
from sdcam_convert.report import Line

# Relative L2 of a layer's weights. The best palettes of a Gaussian are at 0.0064, 0.026, 0.097 and
# 0.34; the worst layers of the embedded model at 0.014 (int8), 0.037, 0.15 and 0.50.
WEIGHT_GATES: Final = {8: 0.04, 6: 0.08, 4: 0.25, 2: 0.7}
_MADE = re.compile(r"(_to_fp16)?(_palettized|_quantized)?$")  # what coremltools appends to a name


def check_weights(package: Path, reference: ModelFolder) -> tuple[list[Line], list[Finding]]:
    """
    Args:
        package: a compressed program.
        reference: the checkpoint that it was made from.

    Returns:
        A line for the layer that is nearest to its gate, or beyond it most; none where no layer is
        compressed. Findings name the layers that are beyond it, or not the checkpoint's at all.
    """
    stage = "text_encoder" if package.stem == "text_encoder" else "unet"
    checkpoint = _Checkpoint(WeightsFile.open(reference.weights_of(stage)))
    layers: list[tuple[Difference, float]] = []
    findings: list[Finding] = []
    for name, bits, ours in Program.load(package).compressed_weights():
        theirs, gate = checkpoint.find(_MADE.sub("", name)), WEIGHT_GATES[bits]
        if theirs is None or theirs.shape != ours.shape:
            findings.append(Finding(package.name, name, "compressed, and not of the checkpoint"))
            continue
        apart = Difference.between(ours, theirs)
        layers.append((apart, gate))
        if not apart.relative_l2 <= gate:
            what = f"{apart.relative_l2:.2g} from the checkpoint's weights, at {bits} bits"
            findings.append(Finding(package.name, name, what))
    if not layers:
        return [], findings
    apart, gate = max(layers, key=lambda layer: layer[0].relative_l2 / layer[1])
    return [Line(package.stem, "weights", f"worst of {len(layers)}", apart, gate)], findings


class _Checkpoint:
    """The names of its tensors as coremltools writes them."""

    def __init__(self, file: WeightsFile) -> None:
        self._file = file
        self._names = {
            name.removeprefix("text_model.").replace(".", "_"): name for name in file.tensors
        }

    def find(self, name: str) -> NDArray[np.float32] | None:
        """The tensor whose name is the end of a layer's: "unet_unet_conv_in_weight" begins with
        the modules that the UNet lies in."""
        known = next((self._names[end] for end in _ends(name) if end in self._names), None)
        return None if known is None else self._file.read(known)


def _ends(name: str) -> Iterator[str]:
    words = name.split("_")
    for first in range(len(words)):
        yield "_".join(words[first:])
