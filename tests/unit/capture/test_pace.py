"""Deadlines that do not drift."""

from __future__ import annotations

from stepped_clock import SteppedClock

from sdcam.capture.pace import Pace


def test_an_hour_of_beats_does_not_drift(clock: SteppedClock) -> None:
    beat = Pace(29.97)
    first = beat.wait()
    for _ in range(107_892):  # 29.97 fps for 3600 s
        last = beat.wait()
    assert abs(last - first - 3600e9) < 2


def test_work_between_beats_does_not_shift_them(clock: SteppedClock) -> None:
    beat = Pace(10)
    first = beat.wait()
    clock.now += 70_000_000
    assert beat.skip() == 0
    assert beat.wait() == first + 100_000_000


def test_missed_beats_are_dropped_without_a_shift(clock: SteppedClock) -> None:
    beat = Pace(10)
    first = beat.wait()
    clock.now += 450_000_000
    assert beat.skip() == 3  # those at 0.1, 0.2 and 0.3; the one at 0.4 is the one that is due
    assert beat.wait() == first + 450_000_000
    assert beat.wait() == first + 500_000_000


def test_pace_restarts_after_a_long_stop(clock: SteppedClock) -> None:
    beat = Pace(10)
    beat.wait()
    clock.now += 3_600_000_000_000
    assert beat.skip() == 0
    resumed = beat.wait()
    assert resumed == clock.now
    assert beat.wait() == resumed + 100_000_000
