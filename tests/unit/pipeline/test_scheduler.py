from __future__ import annotations

import numpy as np
import pytest

from sdcam.errors import MissingError
from sdcam.pipeline.scheduler import NoiseSchedule

SD = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}


def test_the_published_levels_of_stable_diffusion():
    schedule = NoiseSchedule.from_config(SD)
    assert schedule.level(999).sqrt_alpha == pytest.approx(0.06826, abs=1e-5)
    assert schedule.level(999).sqrt_one_minus_alpha == pytest.approx(0.99767, abs=1e-5)
    assert schedule.level(749).sqrt_alpha == pytest.approx(0.238, abs=1e-3)
    assert schedule.level(499).sqrt_alpha == pytest.approx(0.527, abs=1e-3)


def test_betas_come_from_the_models_own_config():
    linear = NoiseSchedule.from_config(
        {"beta_schedule": "linear", "beta_start": 0.1, "beta_end": 0.2, "num_train_timesteps": 2}
    )
    np.testing.assert_allclose(linear.alphas_cumprod, [0.9, 0.72])
    trained = NoiseSchedule.from_config({"trained_betas": [0.5, 0.5]})
    np.testing.assert_allclose(trained.alphas_cumprod, [0.5, 0.25])


def test_weights_are_a_unit_vector_at_every_timestep():
    schedule = NoiseSchedule.from_config(SD)
    for t in range(0, 1000, 37):
        level = schedule.level(t)
        assert level.sqrt_alpha**2 + level.sqrt_one_minus_alpha**2 == pytest.approx(1)


@pytest.mark.parametrize(
    ("strength", "steps", "timesteps"),
    [
        (1.0, 1, [999]),
        (0.5, 1, [500]),
        (0.0, 1, []),
        (1.0, 4, [999, 749, 500, 250]),
        (0.5, 2, [500, 250]),
        (0.002, 4, [2, 1]),
    ],
)
def test_strength_chooses_the_timesteps(strength, steps, timesteps):
    levels = NoiseSchedule.from_config(SD).levels(strength, steps)
    assert [level.timestep for level in levels] == timesteps


@pytest.mark.parametrize(
    "config", [{"beta_schedule": "squaredcos_cap_v2"}, {**SD, "prediction_type": "v_prediction"}]
)
def test_what_we_do_not_know_is_refused_by_name(config):
    with pytest.raises(MissingError, match=r"squaredcos_cap_v2|v_prediction"):
        NoiseSchedule.from_config(config)
