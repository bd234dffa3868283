"""`sdcam run` from a source to a file, as a user starts it."""

from __future__ import annotations

import json
import signal
import sys

import cv2
import numpy as np
import psutil
import pytest

from video import frames_of


def test_a_bounded_run_writes_every_frame_and_a_summary(sdcam, tmp_path):
    done = sdcam("run", "--source", "test", "--output", "file:out.mp4", "--output", "null",
                 "--frames", "60", "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    frames = frames_of(tmp_path / "out.mp4")
    assert frames.shape == (60, 720, 1280, 3)
    assert summary["frames"]["sent"] == 60
    assert 0 < summary["frames"]["styled"] <= summary["frames"]["captured"]
    assert set(summary["stages_ms"]) >= {"preprocess", "encode", "denoise", "decode", "smooth"}
    assert summary["latency_ms"]["p50"] > 0
    assert summary["outputs"][0].endswith("out.mp4")


def test_a_file_source_ends_the_run_once(sdcam, tmp_path):
    clip = tmp_path / "my clip.mp4"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter_fourcc(*"mp4v"), 30, (320, 240))
    for i in range(30):
        writer.write(np.full((240, 320, 3), 8 * i, np.uint8))
    writer.release()
    done = sdcam("run", "--source", f"file:{clip}", "--once", "--output", "null", "--json")
    assert done.returncode == 0, done.stderr
    captured = json.loads(done.stdout)["frames"]
    assert captured["captured"] + captured["skipped"] >= 20


def test_a_still_picture_is_painted_once_and_shown_on(start, tmp_path):
    picture = tmp_path / "still.png"
    cv2.imwrite(str(picture), np.random.default_rng(0).integers(0, 255, (90, 160, 3), np.uint8))
    service = start("--source", f"image:{picture}", "--output", "null")
    status = service.until(lambda s: s["frames"]["reused"] > 10)
    assert status["frames"]["styled"] == 1
    assert status["card"] == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order_with_a_playable_file(start, tmp_path, number):
    film = tmp_path / "film.mp4"
    service = start("--source", "test", "--output", f"file:{film}", "--json")
    service.until_styled()
    summary = json.loads(service.end(number))
    assert service.process.returncode == 0
    assert len(frames_of(film)) == summary["frames"]["sent"]
    assert not service.socket.exists()


def test_two_services_do_not_fight(start, sdcam, tmp_path):
    film = tmp_path / "film.mp4"
    service = start("--source", "test", "--output", f"file:{film}", "--json")
    service.until_styled()
    second = sdcam("run", "--source", "test", "--output", f"file:{film}", "--frames", "3")
    assert second.returncode == 1
    assert f"is already running (process {service.process.pid})" in second.stderr.splitlines()[-1]
    assert service.status()["state"] == "running"
    # The second one never touched what the first one records.
    sent = json.loads(service.end())["frames"]["sent"]
    assert len(frames_of(film)) == sent


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process: Linux only")
def test_a_disk_that_fills_ends_the_run_with_a_playable_film(start, tmp_path):
    film = tmp_path / "film.mp4"
    service = start("--source", "test", "--output", f"file:{film}")
    service.until(lambda s: s["frames"]["sent"] > 45)
    for child in psutil.Process(service.process.pid).children():
        if "ffmpeg" in child.name():
            room = film.stat().st_size + 100_000
            child.rlimit(psutil.RLIMIT_FSIZE, (room, room))
    service.process.wait(timeout=60)
    last = service.log.read_text().strip().splitlines()[-1]
    assert service.process.returncode == 1
    assert "disk is full" in last
    assert len(frames_of(film)) > 10


BAD = {
    "a source of no kind": (["--source", "webcam"], 2, "camera"),
    "a file that is not there": (["--source", "file:nowhere.mp4"], 3, "nowhere.mp4"),
    "a picture that is not there": (["--source", "image:nowhere.png"], 3, "nowhere.png"),
    "an empty video": (["--source", "file:empty.mp4"], 2, "empty.mp4"),
    "a video that is text": (["--source", "file:text.mp4"], 2, "text.mp4"),
    "a camera by a wrong name": (["--source", "camera:Nobody's"], 3, "Nobody's"),
    "no virtual camera": (["--source", "test", "--output", "virtual-camera"], 3, "v4l2loopback"),
    "an output of no kind": (["--source", "test", "--output", "screen"], 2, "virtual-camera"),
    "a folder that is not there": (["--source", "test", "--output", "file:no/x.mp4"], 2, "no"),
    "a film that is no mp4": (["--source", "test", "--output", "file:x.gif"], 2, "mp4"),
    "a model that is not there": (["--source", "test", "--model", "nowhere"], 3, "nowhere"),
    "a broken model folder": (["--source", "test", "--model", "./broken"], 3, "broken"),
    "an engine of no kind": (["--source", "test", "--engine", "abacus"], 2, "openvino"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_with_a_code_and_a_sentence(sdcam, tmp_path, case):
    words, code, named = BAD[case]
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("this is no film\n" * 100)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model_index.json").write_text("{")
    if "--output" not in words:
        words = [*words, "--output", "null"]
    done = sdcam("run", *words, "--seconds", "20")
    last = done.stderr.strip().splitlines()[-1]
    assert (done.returncode, named in last) == (code, True), done.stderr
    assert last.startswith("sdcam: ")
    assert "Traceback" not in done.stderr
