from __future__ import annotations

import tracemalloc

import cv2
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


# Cameras and models whose ratio is no integer, from 1.17 to 4.22.
RESIZES = [
    ((1280, 720), (512, 512)),
    ((1280, 720), (640, 384)),
    ((1280, 720), (448, 256)),
    ((1920, 1080), (512, 512)),
    ((1920, 1080), (640, 384)),
    ((1920, 1080), (448, 256)),
    ((800, 600), (448, 256)),
]


def zone_plate(width, height, low, high):
    """Rings whose frequency grows from `low` at the centre to `high` at the shorter edge, in
    cycles a pixel; grey outside of it."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    radius, edge = np.hypot(x - width / 2, y - height / 2), min(width, height) / 2
    rings = np.cos(2 * np.pi * (low * radius + (high - low) * radius**2 / (2 * edge)))
    fade = np.clip((edge - radius) / (0.05 * edge), 0, 1) * np.clip(radius / (0.05 * edge), 0, 1)
    grey = np.round(127.5 + 110 * rings * fade).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def resized(picture, size, method):
    out = np.empty((size[1], size[0], 3), np.uint8)
    if method is not None:
        return cv2.resize(picture, size, out, interpolation=method)[..., 0].astype(float)
    Framing(*size)(picture, out)
    return out[..., 0].astype(float)


def aliases(picture, size, method=None):
    """Of a picture that should become plain grey: what is seen as moire, and all of it."""
    out = resized(picture, size, method)
    return cv2.GaussianBlur(out, (0, 0), 2).std(), out.std()


@pytest.mark.parametrize(("camera", "size"), RESIZES)
def test_shrinking_does_not_alias(camera, size):
    _, _, width, height = centre_crop(*camera, size[0] / size[1])
    limit = 0.5 * size[0] / width  # what the model's picture can hold, in cycles a camera pixel
    finer = zone_plate(width, height, 1.05 * limit, 0.5)
    moire, whole = aliases(finer, size)
    _, area = aliases(finer, size, cv2.INTER_AREA)
    assert moire < 1.0  # a grey level
    assert whole < 1.25 * area
    assert aliases(finer, size, cv2.INTER_LINEAR)[1] > 2 * whole or width < 2 * size[0]


@pytest.mark.parametrize(("camera", "size"), RESIZES)
def test_shrinking_keeps_what_the_model_can_see(camera, size):
    _, _, width, height = centre_crop(*camera, size[0] / size[1])
    coarser = zone_plate(width, height, 0.0, 0.35 * size[0] / width)
    ours, area = resized(coarser, size, None), resized(coarser, size, cv2.INTER_AREA)
    assert ours.std() == pytest.approx(area.std(), rel=0.06)
    soft = cv2.GaussianBlur(coarser, (0, 0), 4)
    apart = resized(soft, size, None) - resized(soft, size, cv2.INTER_AREA)
    assert np.sqrt(np.mean(apart**2)) < 2  # grey levels: nothing has moved


def test_framing_allocates_nothing_after_the_first_frame():
    framing, out = Framing(512, 512), np.empty((512, 512, 3), np.uint8)
    frame = np.zeros((1080, 1920, 3), np.uint8)
    framing(frame, out)
    tracemalloc.start()
    for _ in range(5):
        framing(frame, out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000  # bytes


def test_the_camera_may_change_its_size():
    framing, out = Framing(64, 64), np.empty((64, 64, 3), np.uint8)
    for shape in ((480, 640, 3), (1080, 1920, 3), (48, 64, 3), (480, 640, 3)):
        framing(np.full(shape, (10, 20, 30), np.uint8), out)
        assert (out == (30, 20, 10)).all()
