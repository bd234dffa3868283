"""The weights in the repository still paint what their stored metrics say."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("skimage")
# ruff: noqa: E402
from sdcam_train import pictures
from sdcam_train.evaluate import fingerprint, psnr
from sdcam_train.prompts import GALLERY, UNSEEN
from sdcam_train.student import Student

FOLDER = Path(__file__).parents[3] / "daemon" / "sdcam" / "models" / "pocket"
pytestmark = pytest.mark.skipif(
    not (FOLDER / "metrics.json").exists(), reason="the embedded model is not exported yet"
)


@pytest.fixture(scope="module")
def student() -> Student:
    return Student.from_folder(FOLDER)


@pytest.fixture(scope="module")
def frame() -> np.ndarray:
    return pictures.held_out(256)["chelsea"]


def test_the_weights_reproduce_their_stored_metrics(student: Student) -> None:
    stored = json.loads((FOLDER / "metrics.json").read_text())["fingerprint"]
    seen = fingerprint(student)
    assert set(seen) == set(stored)
    for name, figures in stored.items():
        assert seen[name] == pytest.approx(figures, abs=0.5), name


def test_words_without_a_style_leave_the_picture_near_the_camera(
    student: Student, frame: np.ndarray
) -> None:
    for prompt in ("", "a photo", "a person at a desk"):
        assert psnr(student(frame, prompt), frame) > 25


def test_every_gallery_prompt_paints_a_picture_of_its_own(
    student: Student, frame: np.ndarray
) -> None:
    outputs = {style: student(frame, prompt) for style, prompt in GALLERY.items()}
    pairs = itertools.combinations({"camera": frame, **outputs}.items(), 2)
    likeness = {(a, b): psnr(first, second) for (a, first), (b, second) in pairs}
    closest = max(likeness, key=likeness.__getitem__)
    assert likeness[closest] < 24, closest
    stored = json.loads((FOLDER / "metrics.json").read_text())["gallery_right"]
    assert stored == len(GALLERY)  # nearest to the right teacher, as `make evaluate-pocket` found


def test_more_strength_is_farther_from_the_camera(student: Student, frame: np.ndarray) -> None:
    distances = [
        -psnr(student(frame, GALLERY["cyberpunk"], strength), frame)
        for strength in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    ]
    assert distances == sorted(distances)


def test_two_runs_are_equal(student: Student, frame: np.ndarray) -> None:
    first, second = (student(frame, GALLERY["oil"]) for _ in range(2))
    np.testing.assert_array_equal(first, second)


STYLELESS = ("", "photo", "kitchen", "watercolr", "animee", "penicl", "a woman as a robot", "油絵")


def test_styles_are_told_from_words_without_one(student: Student) -> None:
    """The service takes only the former: after the latter the picture would be the camera's."""
    least = json.loads((FOLDER / "text_encoder" / "config.json").read_text())
    least = least["least_prompt_distance"]
    empty = student.embed("")

    def away(prompt: str) -> float:
        return float((student.embed(prompt) - empty).norm() / empty.norm())

    assert max(away(prompt) for prompt in STYLELESS) < 0.6 * least
    assert min(away(prompt) for prompt in GALLERY.values()) > 1.5 * least
    unseen = [phrase for phrases in UNSEEN.values() for phrase in phrases]
    assert sum(away(phrase) > least for phrase in unseen) >= 0.9 * len(unseen)
