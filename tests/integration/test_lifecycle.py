"""Thirty seconds of the life-cycle soak: the real service, real signals, real kills."""

from __future__ import annotations

import pytest

from benchmarks.lifecycle import soak


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_life_cycle_leaks_nothing_and_counts_truly(monkeypatch):
    watch = soak(seconds=30, seed=7)
    assert watch.problems == []
    assert sum(watch.actions.values()) >= 15
    assert watch.sent > 0
