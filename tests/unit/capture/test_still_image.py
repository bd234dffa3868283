"""Still images as sources."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sdcam.capture.files import StillImage
from sdcam.errors import UsageError


def shown(path: Path) -> np.ndarray:
    still = StillImage(path, fps=100)
    out = np.zeros((still.info.height, still.info.width, 3), np.uint8)
    assert still.read(out) is not None
    return out


def test_colours_stay_as_they_are(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    path = tmp_path / "colour.png"
    cv2.imwrite(str(path), picture)
    assert (shown(path) == picture).all()


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_grey_images_become_grey_bgr(tmp_path: Path, depth: type) -> None:
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((48, 64), np.iinfo(depth).max // 2, depth))
    picture = shown(path)
    assert picture.shape == (48, 64, 3)
    assert (np.abs(picture.astype(int) - 127) <= 1).all()


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_transparent_parts_are_white(tmp_path: Path, depth: type) -> None:
    most = np.iinfo(depth).max
    picture = np.zeros((48, 64, 4), depth)
    picture[:, :, 2] = most  # red everywhere, also where nothing shows
    picture[:, 32:, 3] = most
    path = tmp_path / "alpha.png"
    cv2.imwrite(str(path), picture)
    assert (shown(path)[:, :32] == 255).all()
    assert (shown(path)[:, 32:] == (0, 0, 255)).all()


def test_large_and_odd_sizes_are_made_to_fit(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    cv2.imwrite(str(path), np.full((2001, 3001, 3), 80, np.uint8))
    assert shown(path).shape == (1080, 1618, 3)
    cv2.imwrite(str(path), np.full((47, 65, 3), 80, np.uint8))
    assert shown(path).shape == (46, 64, 3)


def test_file_that_is_no_image_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "notes.png"
    path.write_text("not pixels")
    with pytest.raises(UsageError, match="not an image that can be read"):
        StillImage(path, fps=30)
