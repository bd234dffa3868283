"""Recordings: every frame that was sent can be played, whatever ends the recording."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest

from sdcam.errors import ExitCode, MissingError, SdcamError, UsageError
from sdcam.output import recording as module
from sdcam.output.recording import Recording
from sdcam.settings.schema import OutputSettings

SMALL = OutputSettings(width=320, height=180, fps=30)
LARGE = OutputSettings(width=1280, height=720, fps=30)
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
BARS = [(255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 255), (255, 0, 0)]
BARS += [(0, 0, 255), (0, 0, 0)]


def i420(rgb):
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)


def grey(value, output=SMALL):
    return i420(np.full((output.height, output.width, 3), value, np.uint8))


def noise(output, seed):
    """Hard to encode: the file grows fast."""
    shape = (output.height, output.width, 3)
    return i420(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def colour_bars(output=SMALL):
    bars = np.repeat(np.array([BARS], np.uint8), output.width // len(BARS), axis=1)
    return i420(np.ascontiguousarray(np.repeat(bars, output.height, axis=0)))


def played(path):
    """Every frame of the file, RGB."""
    video = cv2.VideoCapture(str(path))
    frames = []
    while True:
        there, frame = video.read()
        if not there:
            video.release()
            return frames
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))


def wrapped(tmp_path, *before):
    """A shell script that runs the lines `before`, then the real ffmpeg."""
    script = tmp_path / "ffmpeg.sh"
    script.write_text("\n".join(["#!/bin/sh", *before, f'exec "{FFMPEG}" "$@"']) + "\n")
    script.chmod(0o755)
    return str(script)


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def test_a_recording_has_every_frame_its_size_and_its_rate(tmp_path):
    recording = Recording(str(tmp_path / "film.mp4"), SMALL)
    for step in range(45):
        recording.send(grey(5 * step))
    recording.close()
    video = cv2.VideoCapture(str(tmp_path / "film.mp4"))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(30.0)
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 45
    frames = played(tmp_path / "film.mp4")
    assert len(frames) == 45
    assert frames[0].shape == (180, 320, 3)
    assert recording.fault is None


def test_frames_come_back_in_order(tmp_path):
    recording = Recording(str(tmp_path / "film.mp4"), SMALL)
    for step in range(20):
        recording.send(grey(10 * step))
        time.sleep(0.01)  # no frame is late
    recording.close()
    assert recording.late == 0
    brightness = [frame.mean() for frame in played(tmp_path / "film.mp4")]
    assert brightness == pytest.approx([10 * step for step in range(20)], abs=3)


def test_colours_come_back_as_they_were_sent(tmp_path):
    recording = Recording(str(tmp_path / "bars.mp4"), SMALL)
    for _ in range(5):
        recording.send(colour_bars())
    recording.close()
    for frame in played(tmp_path / "bars.mp4"):
        for bar, colour in enumerate(BARS):
            assert np.abs(frame[90, 40 * bar + 20].astype(int) - colour).max() <= 8, colour


def test_the_file_says_how_its_colours_are_meant(tmp_path):
    recording = Recording(str(tmp_path / "bars.mp4"), SMALL)
    recording.send(colour_bars())
    recording.close()
    shown = subprocess.run(
        [FFMPEG, "-hide_banner", "-i", recording.path], capture_output=True, text=True, check=False
    ).stderr
    assert "yuv420p(tv, smpte170m/bt709/bt709" in shown
    assert "h264" in shown


@pytest.mark.parametrize("fps", [29.97, 12.5, 60])
def test_odd_frame_rates_keep_their_time(tmp_path, fps):
    recording = Recording(str(tmp_path / "film.mp4"), OutputSettings(width=64, height=64, fps=fps))
    for _ in range(10):
        recording.send(grey(90, OutputSettings(width=64, height=64)))
    recording.close()
    video = cv2.VideoCapture(str(recording.path))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(fps, rel=1e-3)


def test_an_ffmpeg_before_7_1_records_too(tmp_path):
    old = wrapped(tmp_path, 'case "$*" in *hybrid*) exit 1;; *muxer=mp4*) exit 0;; esac')
    recording = Recording(str(tmp_path / "film.mp4"), SMALL, ffmpeg=old)
    for step in range(40):
        recording.send(grey(step))
    recording.close()
    assert recording.fault is None
    assert b"moof" in recording.path.read_bytes()
    assert len(played(recording.path)) == 40


def test_a_finished_recording_is_an_ordinary_mp4(tmp_path):
    recording = Recording(str(tmp_path / "film.mp4"), SMALL)
    for step in range(90):
        recording.send(grey(step))
    recording.close()
    content = recording.path.read_bytes()
    assert content[4:8] == b"ftyp"
    assert content.rfind(b"moov") > content.find(b"mdat")
    assert recording.fault is None


@pytest.mark.alone
def test_stopped_encoder_does_not_block_send_or_lose_frames(tmp_path):
    recording = Recording(str(tmp_path / "film.mp4"), LARGE)
    recording.send(grey(0, LARGE))
    encoder = recording._process.pid
    os.kill(encoder, signal.SIGSTOP)
    frames = [grey(4 * step, LARGE) for step in range(40)]
    times = []
    for frame in frames:
        start = time.perf_counter()
        recording.send(frame)
        times.append(time.perf_counter() - start)
    # Some sends may meet a busy machine; waiting for this encoder would take for ever.
    assert sorted(times)[-4] < 0.020
    assert recording.report() == {"late": recording.late}
    assert recording.late > 0
    os.kill(encoder, signal.SIGCONT)
    recording.close()
    assert recording.fault is None
    assert len(played(recording.path)) == 41


def test_close_ends_an_encoder_that_does_not_finish(tmp_path):
    recording = Recording(str(tmp_path / "film.mp4"), LARGE)
    encoder = recording._process.pid
    os.kill(encoder, signal.SIGSTOP)
    for _ in range(4):
        recording.send(grey(50, LARGE))
    start = time.monotonic()
    fault = recording.close(drain_seconds=0.3)
    assert time.monotonic() - start < 3.0
    assert "did not finish in 0.3 s" in str(fault)
    with pytest.raises(ProcessLookupError):
        os.kill(encoder, 0)


def test_a_second_close_cuts_the_drain_short(tmp_path):
    recording = Recording(str(tmp_path / "film.mp4"), LARGE)
    os.kill(recording._process.pid, signal.SIGSTOP)
    for _ in range(4):
        recording.send(grey(50, LARGE))
    faults = []
    closing = threading.Thread(target=lambda: faults.append(recording.close(60.0)))
    closing.start()
    time.sleep(0.2)
    assert closing.is_alive()
    assert recording.close(drain_seconds=0.0) is None
    closing.join(3.0)
    assert not closing.is_alive()
    assert "was ended" in str(faults[0])


def test_an_encoder_that_survives_its_kill_is_given_up(tmp_path, monkeypatch):
    """A process in uninterruptible sleep, on a disk that does not answer."""
    monkeypatch.setattr(module, "_KILL_SECONDS", 0.2)
    recording = Recording(str(tmp_path / "film.mp4"), LARGE)
    os.kill(recording._process.pid, signal.SIGSTOP)
    kill = recording._process.kill
    monkeypatch.setattr(recording._process, "kill", lambda: None)
    start = time.monotonic()
    fault = recording.close(drain_seconds=0.1)
    assert time.monotonic() - start < 2.0
    assert f"ffmpeg (pid {recording._process.pid}) does not end" in str(fault)
    kill()


def test_a_recording_is_closed_at_the_end_of_its_with(tmp_path):
    with Recording(str(tmp_path / "film.mp4"), SMALL) as recording:
        recording.send(grey(60))
    assert recording._process.returncode == 0
    assert len(played(recording.path)) == 1


def test_a_full_disk_ends_the_recording_with_a_sentence_and_a_film(tmp_path):
    no_room = wrapped(tmp_path, "trap '' XFSZ", "ulimit -f 6000")  # 3 MB
    recording = Recording(str(tmp_path / "film.mp4"), SMALL, ffmpeg=no_room)
    frames = [noise(SMALL, seed) for seed in range(4)]
    with pytest.raises(SdcamError, match=r"disk is full.*film\.mp4 can be played") as caught:
        for step in range(2000):
            recording.send(frames[step % 4])
            time.sleep(0.005)
    assert caught.value.exit_code is ExitCode.FAULT
    assert "Free some space" in caught.value.todo
    recording.close()
    assert recording.path.stat().st_size <= 6000 * 512
    assert len(played(recording.path)) >= 30  # a whole piece


def test_a_killed_encoder_ends_the_recording_with_a_sentence_and_a_film(tmp_path):
    recording = Recording(str(tmp_path / "film.mp4"), SMALL)
    for step in range(100):
        recording.send(grey(step))
        time.sleep(0.002)
    wait_for(lambda: recording.path.read_bytes().count(b"moof") > 1)
    recording._process.kill()
    with pytest.raises(SdcamError, match="killed by signal 9"):
        for _ in range(1000):
            recording.send(grey(0))
            time.sleep(0.005)
    recording.close()
    assert len(played(recording.path)) >= 30


def test_the_film_is_whole_when_the_recording_process_is_killed(tmp_path):
    path = tmp_path / "film.mp4"
    script = (
        "import os, signal, time, numpy as np\n"
        "from sdcam.output.recording import Recording\n"
        "from sdcam.settings.schema import OutputSettings\n"
        f"recording = Recording({str(path)!r}, OutputSettings(width=320, height=180))\n"
        "for step in range(40):\n"
        "    recording.send(np.full((270, 320), 4 * step, np.uint8))\n"
        "    time.sleep(0.01)\n"
        "while recording._ring._filled > 1: time.sleep(0.01)\n"
        "time.sleep(0.1)\n"
        "print(recording._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    encoder = int(killed.stdout)

    def ended():
        try:
            os.kill(encoder, 0)
        except ProcessLookupError:
            return True
        # A container without an init keeps the dead.
        state = Path(f"/proc/{encoder}/stat")
        return state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"

    wait_for(ended)
    assert len(played(path)) == 40


def test_ctrl_c_does_not_reach_the_encoder(tmp_path):
    recording = Recording(str(tmp_path / "film.mp4"), SMALL)
    assert os.getsid(recording._process.pid) != os.getsid(0)
    recording.close()


def test_existing_file_is_overwritten(tmp_path):
    for count in (30, 10):
        recording = Recording(str(tmp_path / "film.mp4"), SMALL)
        for _ in range(count):
            recording.send(grey(60))
        recording.close()
    assert len(played(tmp_path / "film.mp4")) == 10


@pytest.mark.parametrize("name", ["film of 50%d.mp4", "Größe.MP4", "-y.mp4", "a:b.mp4"])
def test_odd_file_names_are_recorded_to(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recording = Recording(name, SMALL)
    recording.send(grey(1))
    recording.close()
    assert recording.fault is None
    assert (tmp_path / name).stat().st_size > 500


def test_recording_can_be_closed_twice(tmp_path):
    recording = Recording(str(tmp_path / "film.mp4"), SMALL)
    recording.send(grey(1))
    recording.close()
    recording.close()


def test_empty_recording_closes_without_a_fault(tmp_path):
    recording = Recording(str(tmp_path / "film.mp4"), SMALL)
    assert recording.close() is None


def test_a_frame_of_another_shape_is_refused(tmp_path):
    recording = Recording(str(tmp_path / "film.mp4"), SMALL)
    for wrong in (grey(0, LARGE), grey(0).astype(np.float32), grey(0)[:, ::2]):
        with pytest.raises(
            ValueError, match=r"takes contiguous uint8 frames of shape \(270, 320\)"
        ):
            recording.send(wrong)
    recording.close()


@pytest.mark.parametrize("name", ["film.avi", "film", "film.mp4.txt"])
def test_only_mp4_is_recorded(tmp_path, name):
    with pytest.raises(UsageError, match=r"does not end in \.mp4"):
        Recording(str(tmp_path / name), SMALL)


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"folder .*nowhere does not exist"):
        Recording(str(tmp_path / "nowhere" / "film.mp4"), SMALL)


def test_a_folder_is_not_a_film(tmp_path):
    (tmp_path / "film.mp4").mkdir()
    with pytest.raises(UsageError, match="is not a file"):
        Recording(str(tmp_path / "film.mp4"), SMALL)


def test_a_path_that_cannot_be_written_is_refused_before_anything_starts(tmp_path):
    with pytest.raises(MissingError, match=r"cannot be written: .*name too long") as caught:
        Recording(str(tmp_path / ("x" * 300 + ".mp4")), SMALL)
    assert caught.value.exit_code is ExitCode.MISSING


def test_a_missing_ffmpeg_is_explained(tmp_path):
    with pytest.raises(MissingError, match="ffmpeg does not start"):
        Recording(str(tmp_path / "film.mp4"), SMALL, ffmpeg=str(tmp_path / "ffmpeg"))


def test_a_home_folder_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    recording = Recording("~/film.mp4", SMALL)
    recording.close()
    assert recording.path == tmp_path / "film.mp4"
