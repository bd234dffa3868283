"""The thread that says that somebody watches."""

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
from sdcam.output.audience import AudienceWatcher
from sdcam.output.audience.sighting import Patience, Sight, Sighting

pytestmark = pytest.mark.alone


class Camera:
    """A lookout whose sight is given by hand; a pipe stands for the announcements."""

    patience = Patience(streaming_seconds=0.02, open_seconds=0.1, left_seconds=0.2)

    def __init__(self) -> None:
        self.sight = Sight.NOBODY
        self.fault: Exception | None = None
        self.looks = self.opened = self.closed = 0
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.descriptors = ((self.reader, select.POLLIN),)

    def __call__(self, device, own_pids) -> Camera:
        self.opened += 1
        return self

    def look(self) -> Sighting:
        self.looks += 1
        with contextlib.suppress(BlockingIOError):
            os.read(self.reader, 4096)
        if self.fault:
            raise self.fault
        return Sighting(self.sight, ("zoom (7)",) if self.sight else ())

    def becomes(self, sight: Sight) -> None:
        self.sight = sight
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

    def start(open_lookout, on_change=notes) -> AudienceWatcher:
        watcher = AudienceWatcher("Cam", on_change, open_lookout=open_lookout)
        started.append(watcher)
        watcher.start()
        return watcher

    yield start
    for watcher in started:
        watcher.stop()


def test_who_comes_and_goes_is_told_once_each_by_name(camera, notes, watch, caplog):
    caplog.set_level(logging.INFO)
    watcher = watch(camera)
    camera.becomes(Sight.STREAMING)
    assert notes.come_to(True)
    assert (watcher.watched, watcher.watchers) == (True, ("zoom (7)",))
    camera.becomes(Sight.NOBODY)
    assert notes.come_to(True, False, seconds=2), "not with the camera's own patience"
    assert (watcher.watched, watcher.watchers) == (False, ())
    assert [r.message for r in caplog.records] == ["watched by zoom (7)", "nobody watches any more"]


def test_who_was_there_before_is_told_too(camera, notes, watch):
    camera.sight = Sight.OPEN
    watch(camera)
    assert notes.come_to(True)


def test_a_moment_is_not_told(camera, notes, watch, monkeypatch):
    monkeypatch.setattr("sdcam.output.audience.watcher._SETTLE_SECONDS", 0.2)
    watch(camera)
    for _ in range(3):
        camera.becomes(Sight.OPEN)
        time.sleep(0.01)
        camera.becomes(Sight.NOBODY)
        time.sleep(0.3)
    assert not notes
    assert camera.looks <= 5, "it looked while the moment lasted"


def test_while_nothing_happens_nothing_is_done(camera, watch):
    watch(camera)
    time.sleep(0.1)
    before = camera.looks
    time.sleep(0.5)
    assert camera.looks == before == 1


def test_a_device_that_goes_is_left_and_opened_again(camera, notes, watch, monkeypatch):
    monkeypatch.setattr("sdcam.output.audience.watcher._RETRY_SECONDS", 0.05)
    monkeypatch.setattr("sdcam.output.audience.watcher._READY_NS", 0)
    watch(camera)
    camera.becomes(Sight.STREAMING)
    assert notes.come_to(True)
    camera.fault = OSError(errno.ENODEV, "gone")
    camera.becomes(Sight.STREAMING)
    assert notes.come_to(True, False)
    camera.fault = None
    assert notes.come_to(True, False, True)
    assert camera.opened == camera.closed + 1 >= 2


def test_a_camera_that_is_not_there_yet_is_waited_for(camera, notes, watch, monkeypatch):
    monkeypatch.setattr("sdcam.output.audience.watcher._RETRY_SECONDS", 0.05)
    there = threading.Event()

    def open_lookout(device, own_pids):
        if not there.is_set():
            raise MissingError("There is no virtual camera.")
        return camera

    camera.sight = Sight.STREAMING
    watcher = watch(open_lookout)
    time.sleep(0.15)
    assert (watcher.watched, watcher.watchers) == (False, ())
    there.set()
    assert notes.come_to(True)


@pytest.mark.parametrize("fault", [OSError(errno.EACCES, "Permission denied"), ValueError("?")])
def test_where_it_cannot_be_known_somebody_may_watch(
    fault, camera, notes, watch, monkeypatch, caplog
):
    monkeypatch.setattr("sdcam.output.audience.watcher._RETRY_SECONDS", 0.05)
    monkeypatch.setattr("sdcam.output.audience.watcher._READY_NS", 10**8)
    camera.fault = fault
    watcher = watch(camera)
    assert notes.come_to(True)
    assert (watcher.watched, watcher.watchers) == (True, None)
    time.sleep(0.2)
    assert caplog.text.count("cannot be known") == 1
    camera.fault = None
    assert notes.come_to(True, False)


def test_a_system_without_a_way_to_look_says_so(notes, watch, monkeypatch):
    monkeypatch.setattr("sdcam.output.audience.watcher._READY_NS", 0)
    from sdcam.output.audience import watcher

    watching = watch(lambda device, own: watcher._open_lookout(device, own, platform="beos"))
    assert notes.come_to(True)
    assert watching.watchers is None


def test_a_listener_that_fails_ends_nothing(camera, watch, caplog):
    told = Notes()

    def fail(watched: bool) -> None:
        told(watched)
        raise ValueError("no")

    watch(camera, fail)
    camera.becomes(Sight.STREAMING)
    assert told.come_to(True)
    camera.becomes(Sight.NOBODY)
    assert told.come_to(True, False)
    assert "could not be taken up" in caplog.text


def test_stopping_is_prompt_and_may_come_twice_and_from_the_listener(camera, notes):
    watcher = AudienceWatcher("Cam", lambda watched: watcher.stop(), open_lookout=camera)
    watcher.start()
    camera.becomes(Sight.STREAMING)
    watcher._thread.join(5)
    assert camera.closed == 1
    start = time.monotonic()
    watcher.stop()
    assert time.monotonic() - start < 1
    never_started = AudienceWatcher("Cam", open_lookout=camera)
    never_started.stop()
