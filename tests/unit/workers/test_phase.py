"""The output's ticks against pictures that come with a rate and a jitter of their own."""

from __future__ import annotations

import numpy as np
import pytest

from sdcam.workers.phase import PhaseLock

PERIOD = 1 / 30


def waits_and_gaps(picture_period, jitter, start, ticks=3000, seed=0):
    """Plays an output against pictures; how long each waited, and the gaps between ticks."""
    random = np.random.default_rng(seed)
    lock = PhaseLock(PERIOD)
    arrivals = start + picture_period * np.arange(2 * ticks) + jitter * random.random(2 * ticks)
    arrivals = np.sort(arrivals)
    waits, times, tick, shown = [], [], 0.0, 0
    for _ in range(ticks):
        times.append(tick)
        ready = np.searchsorted(arrivals, tick, side="right")  # pictures so far
        if ready > shown:
            waits.append(tick - arrivals[ready - 1])
            lock.shown(waits[-1])
            shown = ready
        else:
            lock.repeated()
        tick += PERIOD + lock.shift()
    return np.array(waits), np.diff(times), len(waits) / shown


@pytest.mark.parametrize("start", [0.001, 0.012, 0.032])
@pytest.mark.parametrize("drift", [-0.001, 0.0, 0.001])
def test_pictures_of_the_outputs_rate_wait_no_longer_than_they_vary(start, drift):
    waits, gaps, shown = waits_and_gaps(PERIOD * (1 + drift), 0.004, start)
    assert np.median(waits[600:]) < 0.008  # by accident it is 17 ms
    assert abs(gaps - PERIOD).max() <= 0.0151 * PERIOD
    assert shown > 0.99


@pytest.mark.parametrize("rate", [41, 24, 20, 60, 10])
def test_pictures_of_another_rate_leave_the_ticks_alone(rate):
    _, gaps, _ = waits_and_gaps(1 / rate, 0.004, 0.01)
    assert gaps.mean() == pytest.approx(PERIOD, rel=0.002)
    assert abs(gaps - PERIOD).max() <= 0.0151 * PERIOD
