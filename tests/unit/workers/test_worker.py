"""The thread that keeps a process running outlives mistakes."""

from __future__ import annotations

import logging
import threading

from sdcam.workers import worker as module
from sdcam.workers.worker import Worker


class Clumsy(Worker):
    """Falls over three times, then works."""

    def __init__(self, faults):
        super().__init__("model", faults.append)
        self.attempts = 0
        self.works = threading.Event()

    def _work(self):
        self.attempts += 1
        if self.attempts <= 3:
            raise ZeroDivisionError("nobody thought of it")
        self.works.set()
        self._wakeup.wait(60)


def test_a_mistake_is_told_logged_once_and_the_work_begins_anew(monkeypatch, caplog):
    monkeypatch.setattr(module, "_STUMBLE_PAUSE", 0.01)
    monkeypatch.setattr(logging.getLogger("sdcam"), "propagate", True)
    faults = []
    worker = Clumsy(faults)
    worker.start()
    try:
        assert worker.works.wait(10)
    finally:
        worker.stop()
    assert "nobody thought of it" in str(faults[0])
    assert len(faults) == 3
    assert caplog.text.count("Traceback") == 1
