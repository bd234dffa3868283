from __future__ import annotations

import tracemalloc

import pytest

from sdcam.workers.meters import Distribution


def test_percentiles_are_those_of_the_last_values():
    distribution = Distribution(keep=4)
    assert distribution.percentiles(50, 100) == [0.0, 0.0]
    for value in (100, 1, 2, 3, 4):
        distribution.add_ns(value * 1_000_000)
    assert distribution.percentiles(0, 50, 100) == pytest.approx([1.0, 2.5, 4.0])


def test_it_does_not_grow():
    distribution = Distribution(keep=1000)
    distribution.add_ns(1)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for value in range(5000):
        distribution.add_ns(value)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 1000
