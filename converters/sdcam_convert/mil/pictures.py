"""Pictures as inputs and outputs of a program: pictures outside, tensors inside.

Core ML hands a picture to an ML Program as (1, C, H, W) numbers from 0 to 255, in the channel order
that the description names; scale and bias are operations of the program itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sdcam_convert.mil.package import ImageFeatureType

Array = NDArray[Any]

_BGR = ImageFeatureType.BGR
_RGB = ImageFeatureType.RGB


def picture_layout(feature: Any) -> int | None:
    """The colour space of an input or output, or None if it is no picture.

    Raises:
        NotImplementedError: neither RGB nor BGR.
    """
    if feature.type.WhichOneof("Type") != "imageType":
        return None
    space = int(feature.type.imageType.colorSpace)
    if space not in (_RGB, _BGR):
        raise NotImplementedError(f"{feature.name} is a picture that is neither RGB nor BGR")
    return space


def to_tensor(picture: Array, layout: int) -> Tensor:
    """RGB (H, W, 3) uint8 to (1, 3, H, W) float32, 0 to 255."""
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(f"a picture is (H, W, 3) uint8, not {picture.shape} {picture.dtype}")
    ordered = picture[:, :, ::-1] if layout == _BGR else picture
    return torch.from_numpy(ordered.transpose(2, 0, 1)[None].astype(np.float32))


def to_picture(tensor: Tensor, layout: int, as_bytes: bool) -> Array:
    """(1, 3, H, W) to RGB (H, W, 3): uint8, or unrounded float32 from 0 to 255."""
    values: Array = tensor[0].permute(1, 2, 0).clamp(0, 255).float().numpy()
    ordered = values[:, :, ::-1] if layout == _BGR else values
    if as_bytes:
        return np.rint(ordered).astype(np.uint8)
    return np.ascontiguousarray(ordered)
