"""When there is work: pauses, viewers that come and go, a model that is unloaded."""

from __future__ import annotations

import time

import pytest

from sdcam.service import activity as module
from sdcam.service.activity import PROCESSES, Activity, ActivityGate
from sdcam.settings import OutputSettings


class Watcher:
    """Stands for the virtual camera's viewers; the test decides who watches."""

    made: list[Watcher] = []  # noqa: RUF012

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


class Gate(ActivityGate):
    """Remembers every activity that it told."""

    def __init__(self, *outputs, paused=False, **settings):
        self.told = []
        super().__init__(
            outputs or ("virtual-camera",), OutputSettings(**settings), self.told.append,
            lambda: {11, 12}, paused,
        )  # fmt: skip
        self.start()

    @property
    def running(self):
        """The parts whose processes should run now."""
        return [row.part for row in PROCESSES if row.should_run(self.told[-1])]


@pytest.fixture(autouse=True)
def _watchers(monkeypatch):
    monkeypatch.setattr(module, "ViewerWatcher", Watcher)
    Watcher.made = []


def test_with_on_demand_the_camera_is_open_while_an_app_watches():
    gate = Gate(on_demand=True)
    (watcher,) = Watcher.made
    assert gate.told == [Activity(watched=False)]
    assert gate.running == ["output", "model"]
    watcher.change(True)
    assert gate.running == ["output", "capture", "model"]
    watcher.change(False)
    assert gate.running == ["output", "model"]


def test_without_on_demand_the_camera_is_open_without_a_viewer():
    gate = Gate()
    assert gate.running == ["output", "capture", "model"]
    Watcher.made[0].change(True)
    assert gate.watchers == ("chrome (7)",)  # the status shows them all the same
    assert len(gate.told) == 1  # nothing changed for the processes


def test_a_pause_holds_whoever_watches():
    gate = Gate(on_demand=True)
    (watcher,) = Watcher.made
    watcher.change(True)
    gate.pause(True)
    assert gate.told[-1] == Activity(paused=True)
    watcher.change(False)
    watcher.change(True)
    assert gate.running == ["output", "model"]
    gate.pause(False)
    assert gate.running == ["output", "capture", "model"]


def test_a_pause_from_before_the_start_never_opens_the_camera():
    gate = Gate(paused=True)
    assert gate.told == [Activity(paused=True)]


def test_the_same_pause_twice_is_told_once():
    gate = Gate()
    gate.pause(True)
    gate.pause(True)
    assert len(gate.told) == 2


def test_the_model_is_unloaded_after_a_while_and_loaded_for_the_next_viewer(monkeypatch):
    gate = Gate(on_demand=True, unload_after=300.0)
    gate.tick()
    assert "model" in gate.running
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 301)
    gate.tick()
    assert gate.running == ["output"]
    Watcher.made[0].change(True)
    assert gate.running == ["output", "capture", "model"]


def test_zero_keeps_the_model_loaded_and_so_does_a_pause(monkeypatch):
    kept, paused = Gate(on_demand=True, unload_after=0.0), Gate(unload_after=300.0)
    paused.pause(True)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 10_000)
    for gate in (kept, paused):
        gate.tick()
        assert "model" in gate.running


def test_the_time_without_a_viewer_counts_from_the_last_viewer(monkeypatch):
    gate = Gate(on_demand=True, unload_after=300.0)
    (watcher,) = Watcher.made
    watcher.change(True)
    gate.pause(True)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 1000)
    watcher.change(False)
    gate.tick()
    assert "model" in gate.running
    monkeypatch.setattr(time, "monotonic", lambda: now + 1301)
    gate.tick()
    assert gate.running == ["output"]


def test_changed_settings_apply_while_running():
    gate = Gate()
    gate.configure(OutputSettings(on_demand=True))
    assert "capture" not in gate.running
    gate.configure(OutputSettings(on_demand=True, device="Another"))
    first, second = Watcher.made
    assert (first.running, second.running, second.device) == (False, True, "Another")
    gate.configure(OutputSettings(on_demand=False, device="Another"))
    assert "capture" in gate.running


def test_a_setting_that_changes_during_the_shutdown_starts_no_watcher():
    gate = Gate()
    gate.stop()
    told = len(gate.told)
    gate.configure(OutputSettings(device="Another"))
    gate.pause(True)
    assert [watcher.running for watcher in Watcher.made] == [False]
    assert len(gate.told) == told


def test_viewers_are_those_of_the_virtual_camera_and_never_we_ourselves():
    Gate("file:a.mp4", "virtual-camera:/dev/video7")
    (watcher,) = Watcher.made
    assert watcher.device == "/dev/video7"
    assert watcher.own_pids() == {11, 12}


def test_a_recording_counts_as_a_viewer():
    gate = Gate("virtual-camera", "file:a.mp4", on_demand=True)
    assert "capture" in gate.running


def test_without_a_virtual_camera_there_is_always_work():
    gate = Gate("null", on_demand=True)
    assert Watcher.made == []
    assert "capture" in gate.running
    assert gate.watchers is None
