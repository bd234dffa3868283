"""The trial of plans on the real processes."""

from __future__ import annotations

import pytest
from test_stage_pipeline import Plan

from sdcam.engines.plan import LAYOUTS, TOGETHER
from sdcam.errors import MissingError, SdcamError
from sdcam.workers.benchmark import benchmark, measure

pytestmark = pytest.mark.alone


def plan(name, layout, milliseconds=(10, 20, 10), engine="test"):
    return Plan(name, f"{engine}:{name}", None, layout, milliseconds=milliseconds)


def test_stages_that_overlap_are_found_to_be_faster():
    plans = [plan("together", TOGETHER), plan("staged", LAYOUTS["staged"])]
    fps = measure(plans, 1.0, lambda: True)
    assert fps["test:staged"] > 1.2 * fps["test:together"] > 0


def test_every_stage_is_timed_and_every_frame_painted():
    trial = benchmark(plan("staged", LAYOUTS["staged"], (1, 5, 1)), 0.5)
    assert set(trial.stages) == {"preprocess", "encode", "denoise", "decode", "smooth"}
    assert trial.styled.count > 5
    assert trial.latency.percentiles(50)[0] > 7


def test_a_plan_that_does_not_run_counts_nothing_and_all_of_them_are_a_fault():
    broken = Plan("model", "missing", None, TOGETHER)
    fps = measure([plan("together", TOGETHER, (0, 1, 0)), broken], 0.3, lambda: True)
    assert fps["test:together"] > 0 and fps["missing"] == 0
    with pytest.raises(MissingError):
        measure([broken], 0.3, lambda: True)


def test_an_interrupted_measurement_is_none():
    with pytest.raises(SdcamError, match="interrupted"):
        measure([plan("together", TOGETHER)], 60.0, lambda: False)
