"""The figures say of made pictures what is known of them; the gates know which way is better."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip("skimage")
pytest.importorskip("torch")
from sdcam_train import figures
from sdcam_train.evaluate import Gate

NOISE = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)


def test_what_repeats_with_the_cell_has_a_lattice_and_noise_has_none() -> None:
    cell = np.random.default_rng(1).integers(0, 40, (8, 8, 3), np.uint8)
    tiled = np.tile(cell, (32, 32, 1)) + NOISE // 16
    assert abs(figures.lattice(NOISE)) < 2.5
    assert figures.lattice(tiled) > 12


def test_a_picture_is_like_itself_and_less_like_its_blur() -> None:
    picture = cv2.GaussianBlur(NOISE, (0, 0), 2)
    blurred = cv2.GaussianBlur(picture, (0, 0), 3)
    assert figures.ssim(picture, picture) == pytest.approx(1)
    assert figures.ssim(picture, blurred) < 0.9
    assert figures.psnr(picture, picture) > 60
    assert figures.stroke_energy(blurred) < 0.5 * figures.stroke_energy(picture)


def test_edges_agree_be_they_dark_or_light() -> None:
    frame = np.full((128, 128, 3), 128, np.uint8)
    cv2.circle(frame, (64, 64), 30, (220, 220, 220), -1)
    moved = np.roll(frame, 16, 1)
    assert figures.edge_agreement(frame, 255 - frame) > 0.99
    assert figures.edge_agreement(frame, moved) < 0.6


def test_a_gate_passes_on_its_own_side() -> None:
    assert Gate("SSIM", 0.5, 0.45, 0.6).passed
    assert not Gate("SSIM", 0.4, 0.45, 0.6).passed
    assert Gate("lattice", 3, 4, 2.5, "dB", smaller_is_better=True).passed
    assert not Gate("lattice", 5, 4, 2.5, "dB", smaller_is_better=True).passed
