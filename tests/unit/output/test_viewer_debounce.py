"""From single observations to whether the camera is watched."""

from __future__ import annotations

import pytest

from sdcam.output.viewers.observation import Debounce, Thresholds, Use

NONE, OPEN, STREAMING = Use.NONE, Use.OPEN, Use.STREAMING


@pytest.fixture
def debounce() -> Debounce:
    return Debounce(Thresholds(streaming=0.1, open=0.4, left=3.0))


def live(debounce: Debounce, *moments: tuple[float, Use], until: float) -> list[tuple[float, bool]]:
    """Updates it with each use at its time, and again whenever it is due. Returns
    (time, watched) of every change."""
    changes = []
    times = [(round(at * 1e9), use) for at, use in moments]
    ends = [at for at, _ in times[1:]] + [round(until * 1e9)]
    for (at, use), end in zip(times, ends, strict=True):
        now: int | None = at
        while now is not None and now < end:
            before = debounce.watched
            debounce.update(use, now)
            if debounce.watched is not before:
                changes.append((now / 1e9, debounce.watched))
            due = debounce.due()
            assert due is None or due > now, "it would be asked again at once"
            now = due
    return changes


def test_debounce_without_use_is_never_due(debounce):
    assert live(debounce, (0, NONE), until=10) == []
    assert debounce.due() is None


def test_streaming_counts_after_a_tenth_of_a_second(debounce):
    assert live(debounce, (0, NONE), (1, STREAMING), until=10) == [(1.1, True)]
    assert debounce.due() is None


def test_open_device_counts_after_four_tenths_of_a_second(debounce):
    assert live(debounce, (1, OPEN), until=10) == [(1.4, True)]


def test_open_then_streaming_counts_from_the_streaming(debounce):
    assert live(debounce, (1, OPEN), (1.1, STREAMING), until=10) == [(1.2, True)]


def test_polling_for_the_name_does_not_count(debounce):
    asking = [(t + d, s) for t in range(0, 60, 3) for d, s in ((0, OPEN), (0.3, NONE))]
    assert live(debounce, *asking, until=70) == []


def test_viewer_is_gone_after_three_seconds(debounce):
    assert live(debounce, (0, STREAMING), (5, NONE), until=20) == [(0.1, True), (8, False)]


def test_reopening_for_another_format_is_not_leaving(debounce):
    moments = [(0, STREAMING), (5, NONE), (7, OPEN), (7.1, STREAMING)]
    assert live(debounce, *moments, until=20) == [(0.1, True)]


def test_polling_app_does_not_keep_the_camera_on(debounce):
    moments = [(0, STREAMING), (5, NONE), (6, OPEN), (6.1, NONE), (7.9, OPEN), (8.1, NONE)]
    assert live(debounce, *moments, until=20) == [(0.1, True), (8.1, False)]


def test_new_user_before_the_timeout_keeps_the_camera_watched(debounce):
    moments = [(0, STREAMING), (5, NONE), (7.9, OPEN), (8.1, OPEN)]
    assert live(debounce, *moments, until=20) == [(0.1, True)]


def test_open_device_after_streaming_still_counts(debounce):
    assert live(debounce, (0, STREAMING), (5, OPEN), until=20) == [(0.1, True)]
    assert debounce.due() is None
