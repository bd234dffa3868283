"""Palettes are near what k-means can do, and bits go where they are needed."""

from __future__ import annotations

import numpy as np
import pytest

from sdcam_convert.coreml.palette import Histogram, look_up, share_bits


def gaussian(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(count).astype(np.float16)


# Relative squared error of the best palettes of a Gaussian. 2 and 4 bits: Max 1960, table 1; more:
# pi sqrt(3) / 2 / 4^bits, what it tends to (Panter and Dite 1951).
@pytest.mark.parametrize(("bits", "squared"), [(2, 0.1175), (4, 0.0095), (6, 6.6e-4), (8, 4.15e-5)])
def test_a_palette_is_as_good_as_the_best_known_one(bits, squared):
    error = Histogram(gaussian(200_000)).palette(bits).error
    assert error**2 == pytest.approx(squared, rel=0.05)


@pytest.mark.parametrize("bits", [6, 8])
def test_outliers_of_a_layer_cost_a_palette_little(bits):
    """As trained layers have them; k-means that begins with as many weights for each colour does
    not find them; with 256 colours it is nine times worse."""
    weight = np.concatenate([gaussian(40_000), 12 * gaussian(400, seed=1)])
    plain = Histogram(gaussian(40_000)).palette(bits).error
    assert Histogram(weight).palette(bits).error < 2 * plain


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("bits", [2, 4, 6, 8])
def test_looking_up_gives_weights_with_the_error_that_was_promised(bits, dtype):
    weight = gaussian(5000).reshape(50, 100).astype(dtype)
    colours, places = look_up(weight, bits)
    assert colours.shape == (2**bits,) and colours.dtype == dtype and places.dtype == np.uint8
    painted = colours[places].reshape(weight.shape).astype(np.float64)
    error = np.linalg.norm(painted - weight) / np.linalg.norm(weight)
    assert error == pytest.approx(Histogram(weight).palette(bits).error, rel=0.02)


def test_weights_of_few_values_are_kept_exactly():
    weight = np.tile(np.array([-1, 0, 0.5, 3], np.float16), 1000)
    colours, places = look_up(weight, 4)
    assert np.array_equal(colours[places], weight)


def test_bits_go_to_the_layer_that_needs_them_and_stay_within_the_budget():
    easy, hard = np.tile(np.array([-1, 1], np.float16), 2000), gaussian(4000)
    sizes = {"easy": 4000, "hard": 4000}
    errors = {
        name: {bits: Histogram(weight).palette(bits).error for bits in (2, 4, 6, 8)}
        for name, weight in (("easy", easy), ("hard", hard))
    }
    assert share_bits(sizes, errors, 4) == {"easy": 2, "hard": 6}
    assert share_bits(sizes, errors, 2) == {"easy": 2, "hard": 2}
    assert share_bits(sizes, errors, 8)["hard"] == 8
