"""Cameras and virtual cameras come, go and misbehave; the service stays and says what is wrong."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from sdcam.control.client import ask
from video import frames_of

STAGED = Path(__file__).parent / "staged_devices.py"


class Stage:
    """The devices of a machine, as files; see `staged_devices.py`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "stage"
        (self.folder / "cameras").mkdir(parents=True)

    def plug(self, index: int, name: str = "C920", manner: str = "moving") -> None:
        node = self.folder / "cameras" / f"video{index}"
        whole = node.with_name(f"new{index}")
        whole.write_text(f"{name}: {manner}")
        whole.replace(node)

    def unplug(self, index: int) -> None:
        (self.folder / "cameras" / f"video{index}").unlink()

    def take_output(self) -> None:
        (self.folder / "no-output").touch()

    def give_output(self) -> None:
        (self.folder / "no-output").unlink()

    def sleep(self, seconds: float) -> None:
        (self.folder / "asleep").write_text(str(seconds))

    def distances(self) -> list[float]:
        """Of every frame that was shown to the camera's picture, 0 to 255."""
        return [float(line) for line in (self.folder / "shown").read_text().split()]


@pytest.fixture
def stage(tmp_path, monkeypatch):
    stage = Stage(tmp_path)
    monkeypatch.setenv("SDCAM_STAGE", str(stage.folder))
    return stage


@pytest.fixture
def run(start, tmp_path, stage):
    """The service with one camera, "C920", and a staged virtual camera."""
    config = tmp_path / "config.toml"
    config.write_text('camera.device = "C920"\n')
    stage.plug(0)

    def run(*words, **more):
        words = words or ("--source", "camera", "--output", "virtual-camera")
        log = ("--set", f"service.log_file={tmp_path / 'sdcam.log'}")
        words = ("--service", "--config", str(config), *log, *words)
        service = start(*words, program=(str(STAGED),), **more)
        service.config = config
        service.until_styled()
        return service

    return run


def goes_on(service, before):
    """New pictures, from the same daemon."""
    styled = service.status()["frames"]["styled"]
    after = service.until(lambda s: s["frames"]["styled"] > styled + 3 and not s["faults"])
    assert after["card"] == ""
    assert after["processes"]["daemon"]["pid"] == before["processes"]["daemon"]["pid"]
    return after


def pids(service):
    return pids_in(service.status())


def pids_in(status):
    return {name: each["pid"] for name, each in status["processes"].items()}


def test_a_camera_comes_back_by_its_name_at_another_index(run, stage):
    stage.plug(1, "Decoy")
    service = run()
    before = service.status()
    stage.unplug(0)
    away = service.until(lambda s: s["card"] == "No camera picture")
    assert "C920" in away["faults"]["camera"]
    sent = away["frames"]["sent"]
    service.until(lambda s: s["frames"]["sent"] > sent + 30)
    assert service.status()["source"]["name"] == "C920"  # not the other one in its place
    stage.plug(0, "Another")  # not even where it was
    looks = service.until(lambda s: "Another" in s["faults"]["camera"])
    time.sleep(2.5)
    # One process looks for it again and again: a new one each time would cost a sixth of a core.
    assert service.status()["processes"]["capture"]["pid"] == looks["processes"]["capture"]["pid"]
    stage.plug(3)
    assert goes_on(service, before)["source"]["name"] == "C920"


def test_a_camera_that_is_gone_and_gives_its_last_picture_for_ever_is_noticed(run, stage):
    stage.plug(0, manner="clinging")
    service = run()
    before = service.status()
    stage.unplug(0)
    away = service.until(lambda s: "camera" in s["faults"])
    assert "C920" in away["faults"]["camera"]
    stage.plug(0)
    goes_on(service, before)


def test_a_camera_that_gives_no_more_pictures_is_told_and_waited_for(run, stage):
    service = run()
    before = service.status()
    stage.plug(0, manner="silent")
    service.until(lambda s: s["card"] == "No camera picture")
    stage.plug(0)
    goes_on(service, before)


def test_a_camera_behind_its_shutter_stays_open(run, stage):
    """The same picture again and again from a camera that is there: nothing is wrong."""
    stage.plug(0, manner="frozen")
    service = run()
    time.sleep(3.0)
    status = service.status()
    assert status["restarts"]["capture"] == 0
    assert (status["card"], status["faults"]) == ("", {})


def output_fault(status):
    """The fault of whichever output has one; "" if none has."""
    faults = status["faults"].items()
    return next((fault for part, fault in faults if part.startswith("output:")), "")


def test_a_virtual_camera_that_disappears_is_opened_again(run, stage):
    service = run()
    before = service.status()
    stage.take_output()
    away = service.until(output_fault)
    assert away["state"] == "fault"
    time.sleep(2.5)  # at least one attempt in vain
    shown = len(stage.distances())
    stage.give_output()
    goes_on(service, before)
    assert len(stage.distances()) > shown
    # The camera and the model had nothing to do with it.
    assert service.status()["restarts"] == {"capture": 0, "model": 0, "output": 1}


def test_after_a_sleep_the_camera_is_opened_anew_two_seconds_later(run, stage, tmp_path):
    service = run()
    before = service.status()
    stage.sleep(3600)
    service.until(lambda s: "capture" not in s["processes"])
    closed = time.monotonic()
    after = service.until(lambda s: "capture" in s["processes"])
    assert time.monotonic() - closed > 1.8
    assert after["processes"]["capture"]["pid"] != before["processes"]["capture"]["pid"]
    goes_on(service, before)
    assert (tmp_path / "sdcam.log").read_text().count("the machine was asleep") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process's files")
def test_a_disk_that_fills_up_ends_the_recording_and_nothing_else(run, stage, tmp_path):
    film = tmp_path / "film.mp4"
    service = run("--source", "camera", "--output", "virtual-camera", "--output", f"file:{film}")
    before = service.until(lambda s: s["frames"]["sent"] > 100)  # whole seconds are in the file
    family = psutil.Process(service.process.pid).children(recursive=True)
    (ffmpeg,) = [each for each in family if "ffmpeg" in each.name()]
    room = film.stat().st_size + 20_000
    ffmpeg.rlimit(psutil.RLIMIT_FSIZE, (room, room))
    full = service.until(output_fault)
    assert "The disk is full, so the recording has ended" in output_fault(full)
    shown, styled = len(stage.distances()), full["frames"]["styled"]
    service.until(lambda s: s["frames"]["styled"] > styled + 10)
    assert len(stage.distances()) > shown
    assert before["processes"]["daemon"]["pid"] == full["processes"]["daemon"]["pid"]
    assert len(frames_of(film)) > 0


STAGES = {
    "one process": ((), {}, ("model",)),
    "a chain": (
        ("--engine", "replay:m3-ultra:staged"),
        {"model": "pocket", "size": "512"},
        ("encode", "denoise", "decode"),
    ),
}


@pytest.mark.parametrize("layout", STAGES)
def test_whatever_happens_the_raw_camera_is_never_shown(run, stage, layout):
    """Start, pause, every process killed and hung, every device gone and back, a sleep, edits that
    start each part anew: no frame that the virtual camera got is the camera's."""
    words, more, processes = STAGES[layout]
    # No prompt melts into another: in between there are pictures that are nearly the camera's.
    words += ("--set", "look.transition_seconds=0")
    service = run("--source", "camera", "--output", "virtual-camera", *words, **more)
    before = service.status()
    ask(service.socket, "pause")
    service.until(lambda s: s["card"] == "Paused")
    ask(service.socket, "resume")
    service.until_styled()
    for victim in ("capture", *processes):
        part = "capture" if victim == "capture" else "model"
        for number in (signal.SIGKILL, signal.SIGSTOP):
            now = service.until(lambda s, victim=victim: victim in s["processes"])
            os.kill(now["processes"][victim]["pid"], number)
            restarts = now["restarts"][part]
            service.until(lambda s, p=part, n=restarts: s["restarts"][p] > n)
            goes_on(service, before)
    stage.unplug(0)
    service.until(lambda s: s["card"] == "No camera picture")
    stage.plug(2)
    goes_on(service, before)
    stage.take_output()
    service.until(output_fault)
    stage.give_output()
    goes_on(service, before)
    stage.sleep(60)
    service.until(lambda s: "capture" not in s["processes"])
    goes_on(service, before)
    # Camera, model, nothing (it is a mistake), output and model.
    for edit in ("camera.fps = 15", 'coreml.unet = "all"', "look.x = 1", "output.width = 640"):
        now = pids(service)
        service.config.write_text(f'camera.device = "C920"\n{edit}\n')
        if edit == "look.x = 1":
            service.until(lambda s: s["config"]["error"])
        else:
            service.until(lambda s, now=now: pids_in(s) != now)
        goes_on(service, before)
    ask(service.socket, "set", values={"look.prompt": "anime"})
    goes_on(service, before)
    distances = stage.distances()
    assert min(distances) > 12
    assert len(distances) > 100
    # Asked for, it is shown: the frames were looked at.
    ask(service.socket, "set", values={"look.blend": 1.0})
    service.until(lambda s: stage.distances()[-1] < 6)
