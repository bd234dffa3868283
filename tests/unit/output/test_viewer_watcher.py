"""The thread that reports viewers of the virtual camera."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import select
import threading
import time

import pytest

from sdcam.errors import MissingError
from sdcam.output.viewers import ViewerWatcher
from sdcam.output.viewers.observation import Observation, Thresholds, Use

pytestmark = pytest.mark.alone


class Camera:
    """A probe whose observation is given by hand; a pipe stands for the announcements."""

    thresholds = Thresholds(streaming=0.02, open=0.1, left=0.2)

    def __init__(self) -> None:
        self.use = Use.NONE
        self.fault: Exception | None = None
        self.looks = self.opened = self.closed = 0
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.descriptors = ((self.reader, select.POLLIN),)

    def __call__(self, device, own_pids) -> Camera:
        self.opened += 1
        return self

    def probe(self) -> Observation:
        self.looks += 1
        with contextlib.suppress(BlockingIOError):
            os.read(self.reader, 4096)
        if self.fault:
            raise self.fault
        return Observation(self.use, ("zoom (7)",) if self.use else ())

    def becomes(self, use: Use) -> None:
        self.use = use
        os.write(self.writer, b"!")

    def close(self) -> None:
        self.closed += 1


class Notes(list):
    def __init__(self) -> None:
        super().__init__()
        self._news = threading.Condition()

    def __call__(self, watched: bool) -> None:
        with self._news:
            self.append(watched)
            self._news.notify_all()

    def come_to(self, *expected: bool, seconds: float = 5.0) -> bool:
        with self._news:
            return self._news.wait_for(lambda: tuple(self) == expected, seconds)


@pytest.fixture
def camera():
    camera = Camera()
    yield camera
    os.close(camera.reader)
    os.close(camera.writer)


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture
def watch(notes):
    """Starts a watcher, and stops it at the end."""
    started = []

    def start(open_probe, on_change=notes) -> ViewerWatcher:
        watcher = ViewerWatcher("Cam", on_change, open_probe=open_probe)
        started.append(watcher)
        watcher.start()
        return watcher

    yield start
    for watcher in started:
        watcher.stop()


def test_viewer_changes_are_reported_once_with_names(camera, notes, watch, caplog):
    caplog.set_level(logging.INFO)
    watcher = watch(camera)
    camera.becomes(Use.STREAMING)
    assert notes.come_to(True)
    assert (watcher.watched, watcher.watchers) == (True, ("zoom (7)",))
    camera.becomes(Use.NONE)
    assert notes.come_to(True, False, seconds=2), "not with the camera's own thresholds"
    assert (watcher.watched, watcher.watchers) == (False, ())
    assert [r.message for r in caplog.records] == ["watched by zoom (7)", "nobody watches any more"]


def test_viewer_present_at_the_start_is_reported(camera, notes, watch):
    camera.use = Use.OPEN
    watch(camera)
    assert notes.come_to(True)


def test_short_opening_is_not_reported(camera, notes, watch, monkeypatch):
    monkeypatch.setattr("sdcam.output.viewers.watcher._SETTLE_SECONDS", 0.2)
    watch(camera)
    for _ in range(3):
        camera.becomes(Use.OPEN)
        time.sleep(0.01)
        camera.becomes(Use.NONE)
        time.sleep(0.3)
    assert not notes
    assert camera.looks <= 5, "it looked while the moment lasted"


def test_idle_watcher_does_not_probe(camera, watch):
    watch(camera)
    time.sleep(0.1)
    before = camera.looks
    time.sleep(0.5)
    assert camera.looks == before == 1


def test_probe_is_reopened_after_the_device_is_gone(camera, notes, watch, monkeypatch):
    monkeypatch.setattr("sdcam.output.viewers.watcher._RETRY_SECONDS", 0.05)
    monkeypatch.setattr("sdcam.output.viewers.watcher._READY_NS", 0)
    watch(camera)
    camera.becomes(Use.STREAMING)
    assert notes.come_to(True)
    camera.fault = OSError(errno.ENODEV, "gone")
    camera.becomes(Use.STREAMING)
    assert notes.come_to(True, False)
    camera.fault = None
    assert notes.come_to(True, False, True)
    assert camera.opened == camera.closed + 1 >= 2


def test_watcher_waits_for_a_missing_camera(camera, notes, watch, monkeypatch):
    monkeypatch.setattr("sdcam.output.viewers.watcher._RETRY_SECONDS", 0.05)
    there = threading.Event()

    def open_probe(device, own_pids):
        if not there.is_set():
            raise MissingError("There is no virtual camera.")
        return camera

    camera.use = Use.STREAMING
    watcher = watch(open_probe)
    time.sleep(0.15)
    assert (watcher.watched, watcher.watchers) == (False, ())
    there.set()
    assert notes.come_to(True)


@pytest.mark.parametrize("fault", [OSError(errno.EACCES, "Permission denied"), ValueError("?")])
def test_unknown_viewers_count_as_watched(fault, camera, notes, watch, monkeypatch, caplog):
    monkeypatch.setattr("sdcam.output.viewers.watcher._RETRY_SECONDS", 0.05)
    monkeypatch.setattr("sdcam.output.viewers.watcher._READY_NS", 10**8)
    camera.fault = fault
    watcher = watch(camera)
    assert notes.come_to(True)
    assert (watcher.watched, watcher.watchers) == (True, None)
    time.sleep(0.2)
    assert caplog.text.count("cannot tell who watches") == 1
    camera.fault = None
    assert notes.come_to(True, False)


def test_unsupported_system_counts_as_watched(notes, watch, monkeypatch):
    monkeypatch.setattr("sdcam.output.viewers.watcher._READY_NS", 0)
    from sdcam.output.viewers import watcher

    watching = watch(lambda device, own: watcher.open_system_probe(device, own, platform="beos"))
    assert notes.come_to(True)
    assert watching.watchers is None


def test_failing_callback_does_not_stop_the_watcher(camera, watch, caplog):
    changes = Notes()

    def fail(watched: bool) -> None:
        changes(watched)
        raise ValueError("no")

    watch(camera, fail)
    camera.becomes(Use.STREAMING)
    assert changes.come_to(True)
    camera.becomes(Use.NONE)
    assert changes.come_to(True, False)
    assert "after a change of viewers" in caplog.text


def test_stop_is_prompt_and_works_twice_and_from_the_callback(camera, notes):
    watcher = ViewerWatcher("Cam", lambda watched: watcher.stop(), open_probe=camera)
    watcher.start()
    camera.becomes(Use.STREAMING)
    watcher._thread.join(5)
    assert camera.closed == 1
    start = time.monotonic()
    watcher.stop()
    assert time.monotonic() - start < 1
    never_started = ViewerWatcher("Cam", open_probe=camera)
    never_started.stop()


def test_stop_gives_up_a_hanging_probe(camera, watch, monkeypatch):
    monkeypatch.setattr("sdcam.output.viewers.watcher._STOP_SECONDS", 0.2)
    entered, release = threading.Event(), threading.Event()

    def hang():
        entered.set()
        release.wait(10)
        return Observation(Use.NONE)

    camera.probe = hang
    watcher = watch(camera)
    assert entered.wait(2)
    start = time.monotonic()
    watcher.stop()
    assert time.monotonic() - start < 1
    release.set()
    watcher._thread.join(2)
