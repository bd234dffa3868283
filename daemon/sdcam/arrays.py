"""The types of the arrays that cross modules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # a picture, (H, W, 3) unless it says otherwise, 0 to 255
Float = NDArray[np.float32]
