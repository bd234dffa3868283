"""The output thread with sinks that remember what they were sent."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from sdcam.compositor import Card
from sdcam.errors import SdcamError
from sdcam.pipeline.frame import Frame, FrameBuffers, frame_buffer_bytes
from sdcam.pipeline.look import Look
from sdcam.pipeline.networks import NetworksSpec
from sdcam.settings import Fit, OutputSettings
from sdcam.workers import reconnecting_sink as module
from sdcam.workers import restart_policy
from sdcam.workers.frame_pool import FramePool
from sdcam.workers.output import OutputWorker, View
from sdcam.workers.records import CameraFrame, StyledFrame
from sdcam.workers.sink_process import LocalSink

pytestmark = pytest.mark.alone

SIZE = 64
SPEC = NetworksSpec("model", "runtime", SIZE, SIZE, 4, 8)
SETTINGS = OutputSettings(width=128, height=128, fps=100)
CARD = Card("Starting")


class Memory:
    """A sink that keeps the colour of the middle of every frame; breaks when told to."""

    pixel_format = "BGR"

    def __init__(self, name):
        self.name = name
        self.colours = []
        self.broken = False
        self.closed = False

    def send(self, frame):
        if self.broken:
            raise SdcamError(f"{self.name} broke.")
        self.colours.append(tuple(int(v) for v in frame[64, 64]))

    def report(self):
        return {"send_ms": 0.5}

    def close(self):
        self.closed = True


class Bench:
    """An OutputWorker, its sinks and its faults."""

    def __init__(
        self, monkeypatch, *specs, card=lambda age: None if age is not None else CARD, **more
    ):
        self.sinks = []
        self.faults = []
        self.limit = threading.Event()
        monkeypatch.setattr(module, "open_sink", self._open)
        monkeypatch.setattr(module, "SinkProcess", lambda *a: LocalSink(self._open(*a[:2])))
        self.pool = FramePool(4, frame_buffer_bytes(SIZE, SIZE))
        self.worker = OutputWorker(
            specs, SETTINGS, self.pool, card, View(), self._on_fault,
            on_limit=self.limit.set, **more,
        )  # fmt: skip

    def _on_fault(self, spec, fault):
        self.faults.append((spec, str(fault)))

    def _open(self, spec, settings):
        if "missing" in spec:
            raise SdcamError(f"{spec} is not there.")
        self.sinks.append(Memory(spec))
        return self.sinks[-1]

    def show(self, rgb, camera=(0, 0, 0), captured_ns=None):
        slot = self.pool.take()
        buffers = FrameBuffers.over(self.pool.slots.memory(slot), SPEC)
        buffers.model_input[...] = camera
        buffers.styled[...] = rgb
        captured_ns = captured_ns or time.monotonic_ns()
        camera_frame = CameraFrame(0, 1, captured_ns, SIZE, SIZE)
        self.worker.show(StyledFrame(slot, SPEC, camera_frame, Frame(Look("oil"), captured_ns)))

    def until(self, condition):
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.002)


@pytest.fixture
def bench(monkeypatch):
    made = []

    def make(*specs, **more):
        made.append(Bench(monkeypatch, *specs, **more))
        made[-1].worker.start()
        return made[-1]

    yield make
    for one in made:
        one.worker.stop()


def test_a_card_until_there_is_a_picture_then_the_newest_again_and_again(bench):
    one = bench("null")
    sink = one.sinks[0]
    one.until(lambda: len(sink.colours) > 3)
    assert one.worker.showing == "Starting"
    one.show((255, 0, 0))
    one.until(lambda: sink.colours[-3:] == [(0, 0, 255)] * 3)
    one.show((0, 255, 0))
    one.until(lambda: sink.colours[-1] == (0, 255, 0))
    assert one.worker.showing == ""
    assert one.worker.latency.percentiles(50)[0] > 0


def test_every_output_gets_every_frame(bench):
    one = bench("null", "file:x.mp4", frame_limit=20)
    null, film = one.sinks
    one.until(lambda: len(null.colours) > 3)
    cards = len(null.colours)
    assert film.colours == []  # a film begins with the first picture, and so does the count
    one.show((255, 0, 0))
    assert one.limit.wait(10)
    assert film.colours == [(0, 0, 255)] * 20
    assert len(null.colours) >= cards + 20


def test_sinks_report_what_they_measure_and_whether_they_are_open(bench):
    one = bench("virtual-camera", "null")
    for sink in one.worker.sinks:
        status = sink.status()
        assert (status["open"], status["send_ms"], status["fault"]) == (True, 0.5, None)
    one.sinks[0].broken = True
    one.until(lambda: one.faults)
    status = one.worker.sinks[0].status()
    assert (status["open"], status["fault"]) == (False, "virtual-camera broke.")
    assert "send_ms" not in status


def test_sent_counts_what_a_sink_took(bench, monkeypatch):
    """Without the virtual camera nothing is sent, and no latency is measured."""
    monkeypatch.setattr(restart_policy, "_FIRST_DELAY", 60.0)
    one = bench("virtual-camera:missing", "null", wait_for_devices=True, frame_limit=30)
    one.show((255, 0, 0))
    assert one.limit.wait(10)  # `--frames` is what the output that is there took
    assert [sink.sent.count for sink in one.worker.sinks] == [0, 30]
    assert one.worker.sent.count == 0
    assert one.worker.sent.per_second() == 0.0
    assert one.worker.latency.percentiles(50) == [0.0]
    assert one.worker.sinks[0].status()["fault"] == "virtual-camera:missing is not there."


def test_one_output_coming_back_leaves_the_fault_of_another(bench, monkeypatch):
    monkeypatch.setattr(restart_policy, "_FIRST_DELAY", 0.05)
    one = bench("virtual-camera", "file:x.mp4")
    one.show((255, 0, 0))
    camera, film = one.sinks
    one.until(lambda: film.colours)
    film.broken = True
    one.until(lambda: one.faults)
    camera.broken = True
    one.until(lambda: ("virtual-camera", "None") in one.faults)
    assert one.faults[0] == ("file:x.mp4", "file:x.mp4 broke.")
    assert ("file:x.mp4", "None") not in one.faults


def test_slots_come_back(bench):
    one = bench("null")
    for shade in range(50):
        one.until(lambda: one.pool.free > 0)
        one.show((shade, 0, 0))
    one.until(lambda: one.sinks[0].colours and one.sinks[0].colours[-1] == (0, 0, 49))
    assert one.pool.free == 3
    one.worker.clear()
    assert one.pool.free == 4


def test_the_camera_is_in_the_picture_only_when_it_is_asked_for(bench):
    one = bench("null")
    sink = one.sinks[0]
    one.show((0, 0, 200), camera=(200, 0, 0))
    one.until(lambda: sink.colours[-1:] == [(200, 0, 0)])
    one.worker.set_view(View(Fit.CROP, blend=0.5))
    one.until(lambda: sink.colours[-1] == (100, 0, 100))
    one.worker.set_view(View())
    one.until(lambda: sink.colours[-1] == (200, 0, 0))


def test_after_a_pause_nothing_of_the_old_picture_is_left(bench):
    one = bench("null")
    sink = one.sinks[0]
    one.show((255, 0, 0))
    one.until(lambda: sink.colours[-1:] == [(0, 0, 255)])
    one.worker.clear()
    one.until(lambda: one.worker.showing == "Starting")
    assert one.worker.newest() is None
    sent = len(sink.colours)
    one.until(lambda: len(sink.colours) > sent + 3)
    assert (0, 0, 255) not in sink.colours[sent + 1 :]


def test_a_picture_captured_before_a_pause_is_never_shown_after_it(bench):
    """It may still be in the model when the pause begins, and leave it after the pause."""
    one = bench("null")
    captured_ns = time.monotonic_ns()
    one.worker.clear()
    one.show((255, 0, 0), captured_ns=captured_ns)
    assert one.pool.free == 4
    time.sleep(0.1)
    assert (0, 0, 255) not in one.sinks[0].colours
    one.show((0, 255, 0))
    one.until(lambda: one.sinks[0].colours[-1:] == [(0, 255, 0)])


@pytest.fixture
def slow(monkeypatch):
    """A frame a second, as the slowest rate and the rest have it."""
    monkeypatch.setattr(f"{__name__}.SETTINGS", OutputSettings(width=128, height=128, fps=1))


def test_the_card_of_a_pause_does_not_wait_for_the_tick(bench, slow):
    one = bench("null")
    sink = one.sinks[0]
    one.show((255, 0, 0))
    one.until(lambda: sink.colours[-1:] == [(0, 0, 255)])
    for _ in range(3):  # one after the other, wherever between two ticks
        sent, begun = len(sink.colours), time.monotonic()
        one.worker.clear()
        one.until(lambda sent=sent: len(sink.colours) > sent)
        assert time.monotonic() - begun < 0.5
    assert one.worker.showing == "Starting"


def test_a_request_during_a_send_is_for_the_next_tick(bench, slow):
    one = bench("null")
    sink, send = one.sinks[0], one.sinks[0].send
    one.show((255, 0, 0))
    one.until(lambda: sink.colours[-1:] == [(0, 0, 255)])
    sink.send = lambda frame: (setattr(sink, "send", send), one.worker.clear(), send(frame))
    one.until(lambda: sink.send is send)
    begun = time.monotonic()
    one.until(lambda: one.worker.showing == "Starting")
    assert time.monotonic() - begun < 0.5


def test_without_a_viewer_frames_go_on_slowly_and_a_viewer_waits_for_none(bench):
    one = bench("null")
    sink = one.sinks[0]
    one.until(lambda: len(sink.colours) > 3)
    one.worker.rest(True)
    time.sleep(0.05)  # the tick that was waited for
    sent, begun = len(sink.colours), time.monotonic()
    one.until(lambda: len(sink.colours) >= sent + 2)
    taken = time.monotonic() - begun
    assert 1.0 <= taken < 3.0  # of a hundred frames a second otherwise: apps still list the camera
    assert one.worker.ticks
    sent, begun = len(sink.colours), time.monotonic()
    one.worker.rest(False)
    one.until(lambda: len(sink.colours) > sent + 5)
    assert time.monotonic() - begun < 0.5


def test_a_virtual_camera_that_breaks_is_reopened_while_others_go_on(bench, monkeypatch):
    monkeypatch.setattr(restart_policy, "_FIRST_DELAY", 0.05)
    one = bench("virtual-camera", "null")
    camera, null = one.sinks
    camera.broken = True
    one.until(lambda: len(one.sinks) == 3 and len(one.sinks[2].colours) > 3)
    assert camera.closed  # before the device was opened again
    one.until(lambda: len(one.faults) == 2)
    assert [fault for _, fault in one.faults] == ["virtual-camera broke.", "None"]
    assert one.worker.alive
    assert len(null.colours) > 3


def test_a_recording_that_breaks_is_over_and_closed(bench):
    one = bench("file:x.mp4")
    one.show((255, 0, 0))
    one.until(lambda: one.sinks[0].colours)
    one.sinks[0].broken = True
    one.until(lambda: one.faults)
    assert not one.worker.alive
    one.until(lambda: one.sinks[0].closed)


def test_an_output_that_cannot_be_opened_leaves_none_open(monkeypatch):
    opened = []

    def open_sink(spec, settings):
        if spec == "missing":
            raise SdcamError("missing is not there.")
        opened.append(Memory(spec))
        return opened[-1]

    monkeypatch.setattr(module, "open_sink", open_sink)
    pool = FramePool(1, 100)
    worker = OutputWorker(
        ["null", "missing"], SETTINGS, pool, lambda age: CARD, View(), lambda *_: None
    )
    with pytest.raises(SdcamError, match="not there"):
        worker.start()
    assert opened[0].closed


def test_pictures_that_are_forgotten_between_question_and_answer_give_a_card(bench):
    """Another size and a pause at once: there is a picture, and when it is to be sent, none."""
    answers = []

    def card(age):
        if age is not None and answers:
            answers.pop()()
        return None if age is not None else CARD

    one = bench("null", card=card)
    one.show((255, 0, 0))
    one.until(lambda: one.sinks[0].colours[-1:] == [(0, 0, 255)])
    answers.append(one.worker.clear)
    one.worker.reopen(OutputSettings(width=128, height=130, fps=100))
    one.until(lambda: len(one.sinks) == 2 and len(one.sinks[1].colours) > 3)
    assert (0, 0, 255) not in one.sinks[1].colours
    assert one.worker.ticks


def test_an_internal_error_costs_a_frame_and_is_logged_once(bench, monkeypatch, caplog):
    monkeypatch.setattr(logging.getLogger("sdcam"), "propagate", True)
    one = bench("null")
    sink, send = one.sinks[0], one.sinks[0].send
    wrong = iter([True] * 5)

    def fail(frame):
        if next(wrong, False):
            raise ZeroDivisionError("unexpected")
        send(frame)

    sink.send = fail
    sent = len(sink.colours)
    one.until(lambda: len(sink.colours) > sent + 10)
    assert caplog.text.count("Traceback") == 1
    assert "unexpected" in caplog.text
