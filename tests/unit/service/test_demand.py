"""Work and rest: a pause, an audience that comes and goes, a model that is unloaded."""

from __future__ import annotations

import time

import pytest

from sdcam.errors import SdcamError
from sdcam.service import demand as module
from sdcam.service.demand import Demand
from sdcam.service.situation import Situation, State
from sdcam.settings import OutputSettings


class Worker:
    """Notes what it is told."""

    def __init__(self, **known):
        self.wanted, self.resting, self.cleared, self.resets = None, None, 0, 0
        self.pid, self.pids = 11, {"model": 12}

    def want(self, wanted):
        self.wanted = wanted
        self.pids = {"model": 12} if wanted else {}

    def rest(self, resting):
        self.resting = resting

    def clear(self):
        self.cleared += 1

    def reset(self):
        self.resets += 1


class Audience:
    """Somebody else decides whether it watches."""

    made: list[Audience] = []  # noqa: RUF012

    def __init__(self, device, on_change, own_pids):
        self.device, self._on_change, self.own_pids = device, on_change, own_pids
        self.watched, self.watchers, self.running = False, (), False
        self.made.append(self)

    def start(self):
        self.running = True

    def stop(self):
        self.running = False

    def change(self, watched):
        self.watched, self.watchers = watched, ("chrome (7)",) if watched else ()
        self._on_change(watched)


@pytest.fixture
def make(monkeypatch):
    monkeypatch.setattr(module, "ViewerWatcher", Audience)
    Audience.made = []

    def make(*outputs, **settings):
        parts = Worker(), Worker(), Worker()
        situation = Situation(2.0)
        demand = Demand(
            situation, outputs or ("virtual-camera",), OutputSettings(**settings), *parts
        )
        demand.start()
        return demand, situation, *parts

    return make


def test_with_on_demand_the_camera_is_open_while_somebody_watches(make):
    _, situation, capture, inference, output = make(on_demand=True)
    (audience,) = Audience.made
    assert (capture.wanted, output.resting, situation.state) == (False, True, State.IDLE)
    audience.change(True)
    assert (capture.wanted, inference.wanted, output.resting) == (True, True, False)
    audience.change(False)
    assert (capture.wanted, output.resting) == (False, True)
    assert situation.card(0).title == "Standing by"


def test_without_on_demand_nobody_has_to_watch(make):
    demand, situation, capture, _, output = make()
    (audience,) = Audience.made
    assert (capture.wanted, output.resting, situation.watched) == (True, False, True)
    audience.change(True)
    assert demand.watchers == ("chrome (7)",)  # told in the status all the same


def test_a_pause_holds_whoever_watches(make):
    demand, situation, capture, _, output = make(on_demand=True)
    (audience,) = Audience.made
    audience.change(True)
    demand.pause(True)
    assert (capture.wanted, situation.state) == (False, State.PAUSED)
    audience.change(False)
    audience.change(True)
    assert capture.wanted is False
    demand.pause(False)
    assert capture.wanted is True
    assert output.resting is False


def test_a_camera_that_is_closed_on_purpose_has_no_fault(make):
    demand, situation, *_ = make()
    situation.report("camera", SdcamError("It is unplugged."))
    situation.report("output", SdcamError("It is gone."))
    demand.pause(True)
    assert list(situation.faults) == ["output"]
    demand.pause(False)
    assert situation.card(None).title == "Starting"


def test_what_is_shown_after_a_rest_was_not_seen_before_it(make):
    demand, _, _, inference, output = make()
    demand.pause(True)
    assert output.cleared == 1
    assert inference.resets == 1
    demand.pause(True)
    assert output.cleared == 1


def test_the_model_is_unloaded_after_a_while_and_loaded_for_the_next_watcher(make, monkeypatch):
    demand, _, _, inference, _ = make(on_demand=True, unload_after=300.0)
    demand.unload_when_due()
    assert inference.pids
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 301)
    demand.unload_when_due()
    assert inference.wanted is False
    Audience.made[0].change(True)
    assert inference.wanted is True


def test_zero_keeps_the_model_and_so_does_a_pause(make, monkeypatch):
    now = time.monotonic()
    kept, _, _, model, _ = make(on_demand=True, unload_after=0.0)
    paused, _, _, other, _ = make(unload_after=300.0)
    paused.pause(True)
    monkeypatch.setattr(time, "monotonic", lambda: now + 10_000)
    kept.unload_when_due()
    paused.unload_when_due()
    assert model.pids and other.pids


def test_a_pause_is_no_time_that_nobody_watched(make, monkeypatch):
    demand, _, _, inference, _ = make(on_demand=True, unload_after=300.0)
    (audience,) = Audience.made
    audience.change(True)
    demand.pause(True)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 1000)
    audience.change(False)
    demand.unload_when_due()
    assert inference.pids
    monkeypatch.setattr(time, "monotonic", lambda: now + 1301)
    demand.unload_when_due()
    assert not inference.pids


def test_the_settings_are_followed_while_running(make):
    demand, situation, capture, _, _ = make()
    demand.follow(OutputSettings(on_demand=True))
    assert (capture.wanted, situation.watched) == (False, False)
    demand.follow(OutputSettings(on_demand=True, device="Another"))
    first, second = Audience.made
    assert (first.running, second.running, second.device) == (False, True, "Another")
    demand.follow(OutputSettings(on_demand=False, device="Another"))
    assert capture.wanted is True
    demand.stop()
    assert not second.running


def test_the_audience_is_that_of_the_virtual_camera_and_none_of_us(make):
    demand, *_ = make("file:a.mp4", "virtual-camera:/dev/video7")
    (audience,) = Audience.made
    assert audience.device == "/dev/video7"
    assert {11, 12} < audience.own_pids()
    demand.stop()


def test_a_recording_is_an_audience(make):
    _, situation, capture, _, _ = make("virtual-camera", "file:a.mp4", on_demand=True)
    assert situation.watched
    assert capture.wanted is True


def test_without_a_virtual_camera_there_is_always_work(make):
    demand, situation, capture, _, _ = make("null", on_demand=True)
    assert Audience.made == []
    assert capture.wanted is True
    assert situation.watched
    assert demand.watchers is None
