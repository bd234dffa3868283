"""A picture as a file, at a place that whoever asked has named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sdcam.errors import SdcamError, UsageError


def write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """
    Args:
        picture: RGB (H, W, 3).

    Raises:
        UsageError: not an absolute path of a PNG.
        SdcamError: the file cannot be written.
    """
    import cv2

    if not path.is_absolute() or path.suffix.lower() != ".png":
        raise UsageError(
            f"{str(path)!r} is not an absolute path that ends in .png.", "Name one that is."
        )
    encoded = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1]
    try:
        if path.exists() and not path.is_file():  # a pipe would keep us until somebody reads it
            raise UsageError(f"{path} is no ordinary file.", "Name another.")
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        raise SdcamError(f"{path} cannot be written: {error.strerror}.") from None
    except ValueError:  # a NUL, or what is no character
        raise UsageError(f"No file can be called {str(path)!r}.", "Name another.") from None
