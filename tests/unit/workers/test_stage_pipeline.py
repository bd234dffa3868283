"""The pipeline of model processes: real ones, with networks that can be checked by hand."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, replace

import numpy as np
import pytest

from sdcam.engines.plan import LAYOUTS, TOGETHER, EnginePlan
from sdcam.engines.replay import open_replay, parse_replay
from sdcam.errors import MissingError
from sdcam.models import find_model
from sdcam.pipeline.frame import Frame, FrameBuffers, frame_buffer_bytes
from sdcam.pipeline.img2img import Img2Img
from sdcam.pipeline.look import Look
from sdcam.pipeline.networks import NetworksSpec
from sdcam.pipeline.scheduler import NoiseSchedule
from sdcam.pipeline.stages import STAGES
from sdcam.workers import stage_pipeline as module
from sdcam.workers.child import LingeringChildren
from sdcam.workers.frame_pool import FramePool
from sdcam.workers.records import CameraFrame
from sdcam.workers.stage_pipeline import IN_FLIGHT, DropCounters, StagePipeline
from sdcam.workers.starvation import Starvation
from sdcam.workers.wakeup import Wakeup

pytestmark = pytest.mark.alone

SIZE = 64
LOOK = Look("oil", strength=0.4, feedback=0.6, smoothing=0.5, transition_seconds=0.0)
PATIENCE = 60.0


class Networks:
    """Each stage takes its milliseconds; the latent is the picture's mean colour a cell."""

    spec = NetworksSpec("chain-test", "numpy", SIZE, SIZE, 3, 4)
    schedule = NoiseSchedule.from_config({})

    def __init__(self, milliseconds=(0, 0, 0)):
        self._seconds = [value / 1e3 for value in milliseconds]

    def embed(self, prompt):
        return np.full((1, 77, 4), len(prompt), np.float32)

    def encode(self, image):
        time.sleep(self._seconds[0])
        cells = image.reshape(8, SIZE // 8, 8, SIZE // 8, 3).mean((1, 3), dtype=np.float32)
        return cells.transpose(2, 0, 1)[None] / 255

    def predict_noise(self, latent, timestep, prompt_embeds):
        time.sleep(self._seconds[1])
        return latent * 0.5 + prompt_embeds.mean() / 100

    def decode(self, latent, out):
        time.sleep(self._seconds[2])
        cells = (latent[0].transpose(1, 2, 0) * 255).clip(0, 255).astype(np.uint8)
        out[...] = cells.repeat(SIZE // 8, 0).repeat(SIZE // 8, 1)

    def close(self): ...


@dataclass(frozen=True)
class Plan(EnginePlan):
    milliseconds: tuple[float, float, float] = (0, 0, 0)

    def open(self, stages):
        if self.engine == "missing":
            raise MissingError("There is no model.", "Get one.")
        return Networks(self.milliseconds)


class Bench:
    """A pipeline that is fed as fast as it takes frames."""

    def __init__(self, layout=LAYOUTS["staged"], engine="test", milliseconds=(0, 0, 0), plan=None):
        plan = plan or Plan("model", engine, None, layout, milliseconds=milliseconds)
        self.camera = FramePool(4, SIZE * SIZE * 3)
        self.styled = FramePool(4, frame_buffer_bytes(SIZE, SIZE))
        self.counters = DropCounters()
        self.faults = []
        self.lingering = LingeringChildren()
        self.pipeline = StagePipeline(
            plan, self.camera, self.styled, self.counters, self.lingering, self.faults.append
        )
        self.wakeup = Wakeup()
        self.sent = 0
        self.waits = []  # of each frame on its way, milliseconds
        self.most_in_flight = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pipeline.stop()
        assert self.camera.free == 4, "camera memory got lost"
        assert self.styled.free == 4, "styled memory got lost"
        self.wakeup.close()
        self.camera.close()
        self.styled.close()

    def feed(self, value, first=False):
        slot = self.camera.take()
        self.camera.slots.view(slot, (SIZE, SIZE, 3))[...] = value
        self.sent += 1
        frame = CameraFrame(slot, self.sent, time.monotonic_ns(), SIZE, SIZE, first=first)
        self.pipeline.enter(frame, self.styled.take(), LOOK)

    def step(self, value=None):
        """One turn of the worker's loop; the styled frames that came, with copies of pictures."""
        self.pipeline.supervise(LOOK)
        if value is not None and self.pipeline.seconds_to_entry() == 0.0 and self.camera.free:
            self.feed(value)
        self.most_in_flight = max(self.most_in_flight, 4 - self.styled.free)
        came = []
        entry = None if value is None else self.pipeline.seconds_to_entry()
        seconds = min(0.05, self.pipeline.seconds_left, 0.05 if entry is None else entry)
        for pipe in self.wakeup.wait(seconds, *self.pipeline.pipes):
            if styled := self.pipeline.receive(pipe):
                age = time.monotonic_ns() - styled.camera.captured_ns
                self.waits.append((age - sum(styled.frame.stage_ns.values())) / 1e6)
                memory = self.styled.slots.memory(styled.slot)
                came.append((styled, FrameBuffers.over(memory, styled.spec).styled.copy()))
                self.styled.give_back(styled.slot)
        return came

    def paint(self, values):
        """Feeds these and returns what came of them, with nothing given up for being late."""
        values, came = list(values), []
        want = len(values)
        until = time.monotonic() + PATIENCE
        while len(came) < want:
            assert time.monotonic() < until, f"{len(came)} of {want} frames: {self.faults}"
            before = self.sent
            came += self.step(values[0] if values else None)
            if self.sent > before:
                values.pop(0)
        return came

    def until(self, condition, value=0):
        came, until = [], time.monotonic() + PATIENCE
        while not condition(came):
            assert time.monotonic() < until, self.faults
            came += self.step(value)
        return came


def alone(values, networks=None):
    """What one process paints, one frame after the other."""
    img2img = Img2Img(networks or Networks(), LOOK)
    for value in values:
        camera = np.full((SIZE, SIZE, 3), value, np.uint8)
        buffers = FrameBuffers.allocate(img2img.networks.spec, camera)
        img2img.stylize(Frame(LOOK, 0), buffers)
        yield buffers.styled.copy()


@pytest.mark.parametrize("layout", [TOGETHER, LAYOUTS["staged"]], ids=["together", "staged"])
def test_staged_frames_equal_one_process_to_the_bit(layout, monkeypatch):
    monkeypatch.setattr(module, "_LATE_SECONDS", PATIENCE)
    values = [10, 200, 200, 30, 90, 0, 255, 255, 128, 60, 61, 62]
    with Bench(layout, milliseconds=(1, 6, 1)) as bench:
        came = bench.paint(values)
    assert [styled.camera.sequence for styled, _ in came] == list(range(1, len(values) + 1))
    assert [styled.frame.inferred for styled, _ in came].count(False) == 2  # identical ones
    for (_, picture), expected in zip(came, alone(values), strict=True):
        np.testing.assert_array_equal(picture, expected)
    if layout is not TOGETHER:
        assert bench.most_in_flight == IN_FLIGHT


def test_the_replay_engine_staged_equals_one_process_to_the_bit(monkeypatch):
    """Three processes, three frames in flight, feedback from each frame to the next: to the bit."""
    monkeypatch.setattr(module, "_LATE_SECONDS", PATIENCE)
    words, size = "replay:m3-ultra:staged", (SIZE, SIZE)
    values = [10, 200, 30, 90, 0, 255, 128, 60]
    with Bench(plan=EnginePlan("pocket", words, size, LAYOUTS["staged"])) as bench:
        came = bench.paint(values)
    assert bench.most_in_flight == IN_FLIGHT
    networks = open_replay(parse_replay(words), find_model("pocket"), size, STAGES)
    for (_, picture), expected in zip(came, alone(values, networks), strict=True):
        np.testing.assert_array_equal(picture, expected)


def test_frames_enter_just_in_time(monkeypatch):
    monkeypatch.setattr(module, "_LATE_SECONDS", PATIENCE)
    with Bench(milliseconds=(5, 40, 5)) as bench:
        bench.paint(range(10))  # the usual times are known now
        bench.paint(range(100, 130))
    # A frame that sets out as soon as the encoder is free waits 35 ms for the one before it.
    assert np.median(bench.waits[10:]) < 15


def test_a_killed_process_is_replaced_alone_and_the_next_frame_is_the_first_after_a_gap():
    with Bench(milliseconds=(2, 20, 2)) as bench:
        bench.until(lambda came: len(came) > 5, value=255)
        before = {p.name: p.child.pid for p in bench.pipeline.processes}
        os.kill(before["denoise"], signal.SIGKILL)
        bench.until(lambda came: bench.faults)
        came = bench.until(lambda came: len(came) > 3, value=7)
        after = {p.name: p.child.pid for p in bench.pipeline.processes}
    assert "denoise process was killed by SIGKILL" in str(bench.faults[0])
    assert {name for name in before if before[name] != after[name]} == {"denoise"}
    assert 1 <= bench.counters.dropped <= IN_FLIGHT
    assert bench.counters.restarts == 1
    sequences = [styled.camera.sequence for styled, _ in came]
    assert sequences == sorted(sequences)
    # No latent and no smoothed picture of before shows in the first frame after it.
    np.testing.assert_array_equal(came[0][1], next(alone([7])))


def test_a_hung_process_is_replaced_within_a_second():
    with Bench(milliseconds=(1, 5, 1)) as bench:
        bench.until(lambda came: len(came) > 10)
        os.kill(bench.pipeline.processes[2].child.pid, signal.SIGSTOP)
        start = time.monotonic()
        bench.until(lambda came: bench.faults)
        noticed = time.monotonic() - start
        bench.until(lambda came: len(came) > 3)
    assert "decode process does not answer" in str(bench.faults[0])
    assert noticed < 1.0


def test_a_starved_process_is_not_hung(monkeypatch):
    starved = [True]
    monkeypatch.setattr(Starvation, "lasts", lambda self, pid, seconds: starved[0])
    with Bench(milliseconds=(1, 5, 1)) as bench:
        bench.until(lambda came: len(came) > 10)
        os.kill(bench.pipeline.processes[1].child.pid, signal.SIGSTOP)
        start = time.monotonic()
        bench.until(lambda came: time.monotonic() - start > 2.0)
        assert not bench.faults
        starved[0] = False
        bench.until(lambda came: bench.faults)


def test_a_stale_frame_is_given_up_for_a_newer_one():
    with Bench(milliseconds=(1, 30, 1)) as bench:
        bench.until(lambda came: len(came) > 10)
        bench.until(lambda came: bench.pipeline.processes[1].queued)
        denoise = bench.pipeline.processes[1].child.pid
        os.kill(denoise, signal.SIGSTOP)
        start = time.monotonic()
        bench.until(lambda came: time.monotonic() - start > 0.3)
        os.kill(denoise, signal.SIGCONT)
        came = bench.until(lambda came: len(came) > 5)
    assert bench.counters.stale >= 1
    assert bench.counters.dropped == 0 and not bench.faults
    sequences = [styled.camera.sequence for styled, _ in came]
    assert sequences == sorted(sequences)


def test_a_fault_that_only_the_user_can_fix_is_raised():
    with Bench(engine="missing") as bench, pytest.raises(MissingError, match="no model"):
        bench.until(lambda came: False)


def test_every_frame_is_accounted_for():
    with Bench(milliseconds=(1, 8, 1)) as bench:
        came = bench.until(lambda came: len(came) > 10)
        os.kill(bench.pipeline.processes[0].child.pid, signal.SIGKILL)
        came += bench.until(lambda came: len(came) > 10)
        until = time.monotonic() + 1
        while 4 - bench.styled.free and time.monotonic() < until:
            came += bench.step()
        counters = replace(bench.counters)
        assert bench.sent == len(came) + counters.dropped + counters.stale


def test_the_first_frame_after_a_gap_carries_nothing_over(monkeypatch):
    """Also when it is marked only by the capture process, with earlier frames still in flight."""
    monkeypatch.setattr(module, "_LATE_SECONDS", PATIENCE)
    with Bench(milliseconds=(1, 10, 1)) as bench:
        bench.paint([250, 255, 250])
        bench.feed(240)  # in flight when the first frame of the next opening arrives
        bench.until(lambda came: bench.pipeline.seconds_to_entry() == 0.0)
        bench.feed(7, first=True)
        came = bench.until(lambda came: any(s.frame.first for s, _ in came), value=None)
    np.testing.assert_array_equal(came[-1][1], next(alone([7])))


def test_a_process_that_cannot_be_ended_keeps_its_slots_until_it_is_gone(monkeypatch):
    """As a GPU driver in an uninterruptible call would: the slots may still be written."""
    with Bench(milliseconds=(1, 5, 1)) as bench:
        bench.until(lambda came: len(came) > 5)
        process = bench.pipeline.processes[1]
        child = process.child
        monkeypatch.setattr(child, "stop", lambda grace=0.0: False)
        bench.until(lambda came: process.queued)
        os.kill(child.pid, signal.SIGSTOP)
        bench.until(lambda came: bench.faults)
        held = 4 - bench.styled.free
        assert held >= 1
        bench.until(lambda came: any("does not end" in str(fault) for fault in bench.faults))
        assert process.child is None
        monkeypatch.undo()
        os.kill(child.pid, signal.SIGKILL)
        bench.until(lambda came: len(came) > 3)
