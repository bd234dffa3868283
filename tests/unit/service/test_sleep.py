from __future__ import annotations

from sdcam.service.sleep import SleepClock


def test_a_sleep_shows_once_between_two_clocks():
    now = {"both": 100.0, "asleep": 0.0}
    clock = SleepClock((lambda: now["both"] + now["asleep"], lambda: now["both"]))
    assert not clock.has_slept()
    now["both"] += 3600
    assert not clock.has_slept()
    now["asleep"] += 30
    assert clock.has_slept()
    assert not clock.has_slept()
    now["asleep"] += 0.5  # two clocks are never read at the same time
    assert not clock.has_slept()


def test_this_machine_has_both_clocks_and_is_awake():
    clock = SleepClock()
    assert not clock.has_slept()
