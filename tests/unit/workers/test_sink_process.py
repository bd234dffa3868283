"""An output in a process of its own: real processes, with a driver that is staged."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest

from sdcam.errors import MissingError, SdcamError
from sdcam.settings import OutputSettings
from sdcam.workers import sink_process as module
from sdcam.workers.child import LingeringChildren
from sdcam.workers.reconnecting_sink import ReconnectingSink
from sdcam.workers.sink_process import SinkProcess

OUTPUT = OutputSettings(width=64, height=64, fps=30)
FRAME = np.full((64, 64, 3), 9, np.uint8)


class Driver:
    """Takes BGR frames; what it does at the third one stands in its name."""

    pixel_format = "BGR"

    def __init__(self, spec):
        self.name = spec
        self.frames = 0

    def send(self, frame):
        assert frame.shape == (64, 64, 3) and frame.max() == 9
        self.frames += 1
        if self.frames == 3:
            if "crash" in self.name:
                os.kill(os.getpid(), signal.SIGSEGV)
            if "hang" in self.name:
                time.sleep(600)
            if "fails" in self.name:
                raise SdcamError("The device is gone.")

    def report(self):
        return {"frames": self.frames}

    def close(self): ...


def open_staged(spec, output):
    if "missing" in spec:
        raise MissingError(f"{spec} is not there.", "Load it.")
    if "stuck" in spec:
        time.sleep(600)
    return Driver(spec)


def staged_main(pipe, slots):
    module.open_sink = open_staged
    module.sink_main(pipe, slots)


@pytest.fixture
def opened(monkeypatch):
    original = module.Child
    monkeypatch.setattr(
        module, "Child", lambda name, target, *args: original(name, staged_main, *args)
    )
    made = []

    def make(spec, **more):
        made.append(SinkProcess(spec, OUTPUT, LingeringChildren(), **more))
        return made[-1]

    yield make
    for sink in made:
        sink.close()


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return value


def test_frames_are_counted_when_the_driver_took_them(opened):
    sink = opened("virtual-camera:x")
    assert (sink.name, sink.pixel_format) == ("virtual-camera:x", "BGR")
    taken = []
    for tag in range(1, 11):
        sent_at = time.monotonic_ns()
        assert until(lambda tag=tag: sink.send(FRAME, tag))
        taken += until(sink.taken)
        assert taken[-1].taken_ns >= sent_at
    assert [each.tag for each in taken] == list(range(1, 11))
    assert sink.report() == {"frames": 10}


def test_a_driver_that_hangs_never_makes_the_sender_wait_and_is_noticed_within_a_second(opened):
    sink = opened("virtual-camera:hang")
    accepted, longest, begun = 0, 0.0, None
    with pytest.raises(SdcamError, match="does not answer"):
        while True:
            start = time.monotonic()
            accepted += sink.send(FRAME, 1)
            longest = max(longest, time.monotonic() - start)
            if accepted == 3 and begun is None:
                begun = time.monotonic()
            assert begun is None or time.monotonic() - begun < 5
            time.sleep(0.01)
    assert time.monotonic() - begun < 1.0
    assert longest < 0.3


@pytest.mark.parametrize(
    ("spec", "reason"), [("crash", "was killed by SIGSEGV"), ("fails", "The device is gone.")]
)
def test_a_driver_that_fails_is_a_fault_of_the_output_alone(opened, spec, reason):
    sink = opened(f"virtual-camera:{spec}")
    with pytest.raises(SdcamError, match=reason):
        until(lambda: sink.send(FRAME, 1) and False)


def test_a_device_that_is_missing_says_so(opened):
    with pytest.raises(MissingError, match="missing is not there"):
        opened("virtual-camera:missing")


def test_opening_a_stuck_driver_can_be_cancelled(opened):
    begun = time.monotonic()
    with pytest.raises(SdcamError, match="does not open"):
        opened("virtual-camera:stuck", cancelled=lambda: time.monotonic() - begun > 0.5)


def test_a_virtual_camera_whose_driver_hangs_comes_back_with_another_process(opened, monkeypatch):
    faults = []
    sink = ReconnectingSink("virtual-camera:hang", OUTPUT, faults.append)
    sink.open()
    first = sink.pid
    until(lambda: (sink.send(FRAME, 1) and sink.taken() and False) or faults)
    assert "does not answer" in str(faults[0])
    until(lambda: (sink.open_when_due(), sink.is_open)[1])
    assert sink.pid != first
    until(lambda: (sink.send(FRAME, 1), sink.taken())[1])
    assert faults[-1] is None
    assert sink.restarts == 1
    assert sink.close() is None
