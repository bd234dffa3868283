"""The ten painters: deterministic, unlike each other, calm under camera noise, kind to faces; their
strokes follow the grain."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

pytest.importorskip("skimage")
pytest.importorskip("sklearn")
from sdcam_train import pictures, scenes
from sdcam_train.figures import edge_agreement, lattice
from sdcam_train.subject import Subject
from sdcam_train.teachers import TEACHERS, paint, paint_all

SIZE = 256
FRAME = pictures.held_out(SIZE)["coffee"]


def grain(seed: int) -> np.ndarray:
    shape = (SIZE // 8, SIZE // 8, 4)
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


PAINTED = paint_all(FRAME, grain(0))
OTHERWISE = paint_all(FRAME, grain(1))


def rms(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.sqrt(np.mean((first.astype(float) - second) ** 2)))


@pytest.mark.parametrize("style", ["oil", "pencil"])
def test_a_teacher_paints_the_same_picture_twice_and_leaves_its_input_alone(style: str) -> None:
    before = FRAME.copy()
    again = paint(style, FRAME, grain(0))
    assert again.shape == FRAME.shape
    assert again.dtype == np.uint8
    np.testing.assert_array_equal(again, PAINTED[style])
    np.testing.assert_array_equal(FRAME, before)


def test_every_teacher_is_far_from_the_input_and_from_every_other() -> None:
    pairs = itertools.combinations({"photo": FRAME, **PAINTED}.items(), 2)
    distances = {(a, b): rms(first, second) for (a, first), (b, second) in pairs}
    closest = min(distances, key=distances.__getitem__)
    assert distances[closest] > 14, closest


def test_camera_noise_does_not_grow_into_another_picture() -> None:
    noise = np.random.default_rng(0).normal(0, 4, FRAME.shape)
    noisy = np.clip(FRAME + noise, 0, 255).astype(np.uint8)
    repainted = paint_all(noisy, grain(0))
    grown = {style: rms(repainted[style], PAINTED[style]) / rms(noisy, FRAME) for style in TEACHERS}
    assert max(grown.values()) < 6, grown


@pytest.mark.parametrize("style", [name for name in TEACHERS if name not in ("hdr", "pop art")])
def test_another_grain_moves_the_strokes_and_keeps_the_colours(style: str) -> None:
    first, second = PAINTED[style], OTHERWISE[style]
    assert rms(first, second) > 1.5
    assert np.abs(first.mean((0, 1)) - second.mean((0, 1))).max() < 8


@pytest.mark.parametrize("style", ["oil", "impressionist", "pencil"])
def test_a_blank_wall_gets_strokes(style: str) -> None:
    wall = np.full((SIZE, SIZE, 3), 96, np.uint8)
    assert paint(style, wall, grain(0)).astype(float).std() > 2.5


@pytest.mark.parametrize("style", [name for name in TEACHERS if name != "pop art"])
def test_nothing_but_the_halftone_repeats_with_the_latent_cell(style: str) -> None:
    assert lattice(PAINTED[style]) < 3


def test_eyes_and_mouths_stay_where_they_are() -> None:
    for picture, boxes in scenes.held_out_people(384):
        cells = np.random.default_rng(0).standard_normal((48, 48, 4), np.float32)
        painted = paint_all(picture, cells)
        for style, rendering in painted.items():
            kept = np.mean([edge_agreement(picture[box], rendering[box]) for box in boxes])
            assert kept > 0.45, style


def test_the_fields_of_noise_have_unit_variance_and_do_not_resemble_each_other() -> None:
    cells = np.random.default_rng(3).standard_normal((64, 64, 4), np.float32)
    subject = Subject(np.zeros((512, 512, 3), np.float32), cells)
    fields = [subject.noise(number, sigma) for number in range(4) for sigma in (0.6, 4.0)]
    assert all(0.8 < field.std() < 1.2 for field in fields)
    fine = np.corrcoef([field.ravel() for field in fields[::2]])
    assert np.abs(fine - np.eye(4)).max() < 0.25
