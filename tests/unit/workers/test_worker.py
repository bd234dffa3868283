"""The thread that keeps processes running."""

from __future__ import annotations

import logging
import os
import threading
import time

from sdcam.errors import SdcamError
from sdcam.workers import restart_policy
from sdcam.workers.wakeup import Wakeup
from sdcam.workers.worker import Worker


class Part(Worker):
    """Raises the given errors, one a start, then works until it is stopped."""

    def __init__(self, *errors):
        self.faults = []
        super().__init__("model", self.faults.append)
        self.errors = list(errors)
        self.works = threading.Event()

    def _work(self):
        if self.errors:
            raise self.errors.pop(0)
        self.works.set()
        while self._active:
            self._wakeup.wait(60)


def test_an_internal_error_is_logged_once_and_the_work_begins_again(monkeypatch, caplog):
    monkeypatch.setattr(restart_policy, "_FIRST_DELAY", 0.01)
    monkeypatch.setattr(logging.getLogger("sdcam"), "propagate", True)
    part = Part(*(ZeroDivisionError("unexpected") for _ in range(3)))
    part.start()
    assert part.works.wait(10)
    assert part.stop()
    assert ["unexpected" in str(fault) for fault in part.faults] == [True] * 3
    assert caplog.text.count("Traceback") == 1


def test_restarts_count_failures_only():
    part = Part(SdcamError("It crashed."))
    part.start()
    assert part.works.wait(10)
    for _ in range(3):  # pauses, too short for the thread to notice each
        part.want(False)
        part.works.clear()
        part.want(True)
        assert part.works.wait(10)
    assert part.stop()
    assert part.restarts == 1


def test_a_ring_does_not_shorten_the_delay_after_a_failure(monkeypatch):
    monkeypatch.setattr(restart_policy, "_FIRST_DELAY", 0.6)
    part = Part(ZeroDivisionError("unexpected"))
    begun = time.monotonic()
    part.start()
    while not part.works.wait(0.01):
        part._wakeup.ring()  # as a camera frame does, 30 times a second
        assert time.monotonic() - begun < 10
    assert part.stop()
    assert time.monotonic() - begun >= 0.6


def test_a_worker_that_never_started_stops():
    part = Part()
    assert part.stop()


def test_a_worker_that_does_not_end_is_given_up():
    part = Part()
    part._work = lambda: (part.works.set(), release.wait(20))
    release = threading.Event()
    part.start()
    assert part.works.wait(10)
    begun = time.monotonic()
    assert not part.stop(0.2)
    assert time.monotonic() - begun < 2
    release.set()
    assert part.stop()


def test_a_ring_after_close_writes_into_no_other_file():
    wakeup = Wakeup()
    wakeup.close()
    reader, writer = os.pipe()  # gets the numbers that were free
    os.set_blocking(reader, False)
    wakeup.ring()
    wakeup.close()
    os.close(writer)
    assert os.read(reader, 10) == b""
    os.close(reader)
