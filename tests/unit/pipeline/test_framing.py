from __future__ import annotations

import numpy as np
import pytest

from sdcam.pipeline.geometry import Framing, centre_crop


@pytest.mark.parametrize(
    ("width", "height", "aspect", "expected"),
    [
        (1280, 720, 1.0, (280, 0, 720, 720)),
        (480, 640, 1.0, (0, 80, 480, 480)),
        (1280, 720, 768 / 448, (23, 0, 1234, 720)),
        (640, 480, 768 / 448, (0, 53, 640, 373)),
        (512, 512, 1.0, (0, 0, 512, 512)),
    ],
)
def test_the_largest_centred_rectangle_of_an_aspect(width, height, aspect, expected):
    assert centre_crop(width, height, aspect) == expected


def test_a_wide_model_sees_the_whole_width_of_a_wide_camera():
    frame = np.zeros((448, 768, 3), np.uint8)
    frame[:, :64] = (0, 0, 255)
    frame[:, -64:] = (255, 0, 0)
    out = np.zeros((224, 384, 3), np.uint8)
    Framing(384, 224)(frame, out)
    assert out[100, 5].tolist() == [255, 0, 0]
    assert out[100, -5].tolist() == [0, 0, 255]
