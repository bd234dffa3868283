"""The ten painters are deterministic, unlike each other, and calm under camera noise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

pytest.importorskip("skimage")
pytest.importorskip("sklearn")
from sdcam_train import pictures
from sdcam_train.teachers import TEACHERS, paint

FRAME = pictures.held_out(192)["coffee"]
PAINTED = {style: paint(style, FRAME) for style in TEACHERS}


def rms(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.sqrt(np.mean((first.astype(float) - second) ** 2)))


@pytest.mark.parametrize("style", TEACHERS)
def test_a_teacher_paints_the_same_picture_twice_and_leaves_its_input_alone(style: str) -> None:
    before = FRAME.copy()
    again = paint(style, FRAME)
    assert again.shape == FRAME.shape
    assert again.dtype == np.uint8
    np.testing.assert_array_equal(again, PAINTED[style])
    np.testing.assert_array_equal(FRAME, before)


def test_every_teacher_is_far_from_the_input_and_from_every_other() -> None:
    pairs = itertools.combinations({"photo": FRAME, **PAINTED}.items(), 2)
    distances = {(a, b): rms(first, second) for (a, first), (b, second) in pairs}
    closest = min(distances, key=distances.__getitem__)
    assert distances[closest] > 20, closest


@pytest.mark.parametrize("style", TEACHERS)
def test_camera_noise_does_not_grow_into_another_picture(style: str) -> None:
    noise = np.random.default_rng(0).normal(0, 4, FRAME.shape)
    noisy = np.clip(FRAME + noise, 0, 255).astype(np.uint8)
    assert rms(paint(style, noisy), PAINTED[style]) < 6 * rms(noisy, FRAME)
