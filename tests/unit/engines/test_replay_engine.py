"""The replay engine paints at a Mac's pace by Core ML's rules; `faulty` fails on request."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from faulty import FaultyProgram, open_faulty, parse_faulty
from sdcam.engines.replay import open_replay, parse_replay
from sdcam.engines.replay.stand_in import ReplayProgram
from sdcam.engines.replay.toy import ToyNetworks
from sdcam.errors import SdcamError
from sdcam.models import ModelFolder
from sdcam.pipeline.frame import Frame, FrameBuffers
from sdcam.pipeline.img2img import Img2Img
from sdcam.pipeline.look import Look
from sdcam.pipeline.stages import FUSED_STAGES, STAGES

pytestmark = pytest.mark.alone

SIZE = (128, 64)


@pytest.fixture
def frames(references):
    return [np.roll(references["image"], 8 * shift, axis=1) for shift in range(4)]


def film(model, frames, stages, **look):
    """The last picture and the last latent of a few frames."""
    networks = open_replay(parse_replay("replay"), model, SIZE, stages)
    wanted = Look(**{"prompt": "a cat", **look})
    img2img = Img2Img(networks, wanted, stages)
    for camera in frames:
        buffers = FrameBuffers.allocate(networks.spec, camera)
        img2img.stylize(Frame(wanted, 0), buffers)
    networks.close()
    return buffers.styled.copy()


def test_fused_and_staged_paint_the_same(tiny_model, frames):
    staged = film(tiny_model, frames, STAGES, feedback=0.3)
    fused = film(tiny_model, frames, FUSED_STAGES, feedback=0.3)
    assert np.mean(staged != fused) < 0.01  # a rounding apart, at the edge between two tones


@pytest.mark.parametrize(
    "other",
    [{"prompt": "a dog"}, {"feedback": 0.9}, {"seed": 1}, {"strength": 0.6}],
    ids=lambda other: next(iter(other)),
)
@pytest.mark.parametrize("stages", [STAGES, FUSED_STAGES], ids=["staged", "fused"])
def test_the_picture_depends_on_everything(tiny_model, frames, stages, other):
    usual = film(tiny_model, frames, stages, smoothing=0.0)
    assert np.array_equal(usual, film(tiny_model, frames, stages, smoothing=0.0))
    assert not np.array_equal(usual, film(tiny_model, frames, stages, smoothing=0.0, **other))


def test_the_order_of_frames_shows(tiny_model, frames):
    usual = film(tiny_model, frames, STAGES, smoothing=0.0)
    swapped = [frames[0], frames[2], frames[1], frames[3]]
    assert not np.array_equal(usual, film(tiny_model, swapped, STAGES, smoothing=0.0))


def test_replay_names_its_profile_and_layout(tiny_model):
    networks = open_replay(
        parse_replay("replay:m4-max"), tiny_model, SIZE, ("preprocess", "encode")
    )
    assert networks.spec.model == "tiny-model"
    assert networks.spec.runtime == "replay m4-max staged"
    networks.close()


def test_a_process_without_networks_reads_nothing_of_the_model(tiny_copy):
    model = ModelFolder.open(tiny_copy)
    shutil.rmtree(model.tokenizer)
    model.unet_weights.unlink()
    networks = open_replay(parse_replay("replay:m4"), model, SIZE, ("preprocess",))
    assert networks.spec.latent_shape == (1, 4, 8, 16)
    networks.close()


@pytest.fixture
def program(tiny_model):
    """(program, milliseconds, faults) of the tiny model."""
    networks = open_replay(parse_replay("replay"), tiny_model, SIZE, ("smooth",))
    tiny = ToyNetworks(networks.spec, networks.schedule.single_level(0.5), 16)

    def make(name, milliseconds=0.0, faults=""):
        program = ReplayProgram(name, tiny, milliseconds)
        known = parse_faulty(f"faulty {faults}")[1]
        return FaultyProgram(program, milliseconds, known) if known else program

    return make


LATENT = {"latent": np.zeros((1, 4, 8, 16), np.float32)}


def test_a_call_takes_the_published_time(program):
    decode = program("decode", 30.0)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        decode.predict(LATENT)
        times.append(time.perf_counter() - start)
    assert min(times) == pytest.approx(0.030, abs=0.002)


def test_a_call_holds_pythons_lock(program):
    decode = program("decode", 200.0)
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.wait(0.002):
            ticks.append(time.perf_counter())

    thread = threading.Thread(target=tick)
    thread.start()
    time.sleep(0.05)
    start = time.perf_counter()
    decode.predict(LATENT)
    end = time.perf_counter()
    stop.set()
    thread.join()
    # The arithmetic lets go of the lock at the beginning, as numpy and OpenCV do.
    during = [t for t in ticks if start + 0.05 < t < end - 0.01]
    assert ticks
    assert during == []


def test_a_slow_fault_lasts(program):
    decode = program("decode", 10.0, "slow=decode@3x4")
    times = []
    for _ in range(4):
        start = time.perf_counter()
        decode.predict(LATENT)
        times.append(time.perf_counter() - start)
    assert min(times[:2]) < 0.035
    assert min(times[2:]) >= 0.040


def test_garbage_stops_the_model(tiny_model, frames, program):
    unet = program("unet", 0.0, "garbage=unet@2")
    inputs = {
        "sample": np.ones((1, 4, 8, 16), np.float32),
        "time_embedding": np.zeros((1, 16), np.float32),
        "prompt_embeds": np.zeros((1, 77, 1024), np.float32),
    }
    noises = [unet.predict(inputs)["noise"] for _ in range(3)]
    assert [np.isfinite(noise).all() for noise in noises] == [True, False, True]
    networks = open_faulty("faulty garbage=unet@3", tiny_model, SIZE, STAGES)
    look = Look("a cat")
    img2img = Img2Img(networks, look)
    first, second = (FrameBuffers.allocate(networks.spec, frame) for frame in frames[:2])
    img2img.stylize(Frame(look, 0), first)  # the second call: the first one was the warm-up
    with pytest.raises(SdcamError, match="NaN"):
        img2img.stylize(Frame(look, 0), second)


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("decode", {"latent": np.zeros((1, 4, 8, 16), np.float16)}),
        ("decode", {"latent": np.zeros((1, 4, 8, 16))}),
        ("decode", {"latent": np.zeros((1, 4, 8, 32), np.float32)[..., ::2]}),
        ("decode", {"latent": np.broadcast_to(np.float32(0), (1, 4, 8, 16))}),
        ("decode", {}),
        ("decode", {**LATENT, "noise": LATENT["latent"]}),
        ("encode", {"image": np.zeros((64, 128, 3), np.uint8)}),
    ],
)
def test_inputs_that_core_ml_refuses_are_refused(program, name, inputs):
    with pytest.raises(RuntimeError):
        program(name).predict(inputs)


@pytest.fixture
def decoding(tiny_model):
    """A process that decodes on and on, with a fault; says "n" after the n-th call."""
    processes = []

    def start(faults):
        code = (
            "from pathlib import Path; import numpy as np, threading\n"
            "from faulty import open_faulty\n"
            "from sdcam.models import ModelFolder\n"
            f"model = ModelFolder.open(Path({str(tiny_model.path)!r}))\n"
            f"networks = open_faulty('faulty {faults}', model, (128, 64), ('decode',))\n"
            "latent, out = np.zeros((1, 4, 8, 16), np.float32), np.zeros((64, 128, 3), np.uint8)\n"
            "threading.Timer(0.3, lambda: print('alive', flush=True)).start()\n"
            "for n in range(2, 6): print(n, flush=True); networks.decode(latent, out)\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_a_crash_fault_ends_the_process(decoding):
    process = decoding("crash=decode@4")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGSEGV
    assert said.split() == ["2", "3", "4"]


def test_a_hang_fault_stops_every_thread(decoding):
    process = decoding("hang=decode@4")
    assert [process.stdout.readline().strip() for _ in range(3)] == ["2", "3", "4"]
    time.sleep(0.6)
    process.kill()
    assert process.stdout.read() == ""  # not even the thread that was to say that it is alive
    assert process.wait() == -signal.SIGKILL


@pytest.mark.parametrize(
    "word",
    ["crash=unet", "crash=unet@0", "crash=unet@3x2", "slow=unet@3", "burn=unet@3", "crash=vae@3"],
)
def test_a_mistyped_fault_is_refused(word):
    """Else a test of a fault would pass without one."""
    with pytest.raises(SdcamError, match="no fault"):
        parse_faulty(f"faulty {word}")
    with pytest.raises(SdcamError, match="no fault"):
        parse_faulty("faulty:m3-ultra:fused crash=unet@3")
