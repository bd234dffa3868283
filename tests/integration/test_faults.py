"""Processes are killed and hung; the output goes on and the raw camera is never shown.

`test_device_faults.py` stages what devices do.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from sdcam.control.client import ask
from video import frames_of

MAGENTA = (255, 0, 255)


@pytest.mark.alone
@pytest.mark.parametrize("victim", ["model", "capture"])
def test_a_killed_process_is_replaced_and_the_output_goes_on(start, tmp_path, victim):
    film = tmp_path / "film.mp4"
    service = start("--source", "test", "--output", f"file:{film}", "--json")
    before = service.until_styled()
    os.kill(before["processes"][victim]["pid"], signal.SIGKILL)
    after = service.until(
        lambda s: (
            s["restarts"][victim] == 1
            and s["frames"]["styled"] > before["frames"]["styled"] + 5
            and not s["faults"]
        )
    )
    assert after["processes"]["daemon"]["pid"] == before["processes"]["daemon"]["pid"]
    assert after["processes"][victim]["pid"] != before["processes"][victim]["pid"]
    assert "SIGKILL" in after["last_fault"]
    # Of the output nothing was lost: it kept its rate (a slow machine may miss a tick or two).
    assert after["frames"]["late"] < 15
    assert service.process.poll() is None


def test_a_model_process_that_hangs_is_noticed_and_replaced(start):
    service = start("--source", "test", "--output", "null")
    before = service.until_styled()
    pid = before["processes"]["model"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    after = service.until(lambda s: s["restarts"]["model"] == 1 and s["model"]["name"])
    assert "does not answer" in after["last_fault"]
    service.until(lambda s: s["frames"]["styled"] > after["frames"]["styled"] + 5)
    assert not psutil.pid_exists(pid)


def test_children_and_memory_go_with_a_killed_daemon_and_the_film_can_be_played(start, tmp_path):
    film = tmp_path / "film.mp4"
    service = start("--source", "test", "--output", f"file:{film}")
    status = service.until(lambda s: s["frames"]["sent"] > 60)
    family = psutil.Process(service.process.pid).children(recursive=True)
    shared = set(Path("/dev/shm").iterdir()) if Path("/dev/shm").is_dir() else set()
    service.process.kill()
    service.process.wait()
    _, alive = psutil.wait_procs(family, timeout=15)
    assert not alive
    assert len(frames_of(film)) > 0.5 * status["frames"]["sent"]
    if shared:
        assert not {p for p in shared if "sdcam" in p.name}
    # The socket and the lock that it left behind stand in nobody's way.
    again = start("--source", "test", "--output", "null")
    again.until_styled()


def test_the_camera_is_closed_in_a_pause_and_a_card_is_shown(start):
    service = start("--source", "test", "--output", "null")
    service.until_styled()
    ask(service.socket, "pause")
    started = time.monotonic()
    status = service.until(lambda s: s["card"] == "Paused" and "capture" not in s["processes"])
    assert time.monotonic() - started < 5
    sent = status["frames"]["sent"]
    service.until(lambda s: s["frames"]["sent"] > sent + 10)
    assert service.status()["state"] == "paused"
    ask(service.socket, "resume")
    service.until_styled()


def test_the_raw_camera_is_never_shown(start, tmp_path):
    """Start-up, pause, resume, killed model, killed capture: no frame of the film is the camera."""
    picture = tmp_path / "magenta.png"
    cv2.imwrite(str(picture), np.full((720, 1280, 3), MAGENTA, np.uint8))
    film = tmp_path / "film.mp4"
    service = start("--source", f"image:{picture}", "--output", f"file:{film}", "--json")
    service.until_styled()
    ask(service.socket, "pause")
    service.until(lambda s: s["card"] == "Paused")
    ask(service.socket, "resume")
    service.until_styled()
    for victim in ("model", "capture"):
        os.kill(service.status()["processes"][victim]["pid"], signal.SIGKILL)
        service.until(lambda s, victim=victim: s["restarts"][victim] >= 1 and not s["faults"])
    service.until_styled()
    service.end()
    distance = np.abs(frames_of(film)[:, ::8, ::8].astype(int) - MAGENTA).mean(axis=(1, 2, 3))
    assert distance.min() > 20
