"""How long the capture process may take: to start, and then to open its source."""

from __future__ import annotations

import queue
import time

import pytest

from sdcam.settings import CameraSettings
from sdcam.workers import capture as module
from sdcam.workers.capture import CaptureWorker, SourceSpec, capture_main
from sdcam.workers.frame_pool import FramePool
from sdcam.workers.records import Started

SOURCE = SourceSpec("test", CameraSettings(width=64, height=64, fps=30))
SLOW_SECONDS = 1.2


def starts_slowly(pipe, slots):
    time.sleep(SLOW_SECONDS)
    capture_main(pipe, slots)


def never_starts(pipe, slots):
    time.sleep(60)


def never_opens(pipe, slots):
    pipe.send(Started())
    time.sleep(60)


@pytest.fixture
def captured(monkeypatch):
    """The first frame or fault of a worker whose process is this one."""

    def first(target, *, start, open):
        monkeypatch.setattr(module, "capture_main", target)
        monkeypatch.setattr(module, "_START_SECONDS", start)
        monkeypatch.setattr(module, "_OPEN_SECONDS", open)
        told = queue.Queue()
        pool = FramePool(3, 64 * 64 * 3)
        worker = CaptureWorker(SOURCE, pool, told.put, lambda: None, lambda f: f and told.put(f))
        worker.start()
        try:
            return told.get(timeout=30)
        finally:
            worker.stop()

    return first


def test_a_process_that_starts_slowly_may_open_its_source_all_the_same(captured):
    assert captured(starts_slowly, start=30, open=SLOW_SECONDS / 2).sequence == 1


def test_a_process_that_does_not_start_is_told_as_such(captured):
    assert "The capture process does not start." in str(captured(never_starts, start=0.1, open=30))


def test_a_source_that_does_not_open_is_told_as_such(captured):
    assert '"test" sends no frames.' in str(captured(never_opens, start=30, open=0.1))
