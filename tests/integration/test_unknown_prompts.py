"""The embedded model gives the camera's picture back for words that it does not know: the service
does not let it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import cv2
import numpy as np

from sdcam.control.client import ask
from sdcam.settings import load
from sdcam.settings.styles import neighbour
from video import frames_of

CAMERA = (180, 120, 60)
POCKET = {"model": "pocket", "size": "128"}
LOOK = ("--set", "look.feedback=0", "--set", "look.smoothing=0")


def test_a_typo_in_a_prompt_leaves_the_look_and_is_told(start, tmp_path):
    cv2.imwrite(str(tmp_path / "camera.png"), np.full((720, 1280, 3), CAMERA, np.uint8))
    film = tmp_path / "film.mp4"
    service = start(
        "--source", f"image:{tmp_path / 'camera.png'}", "--output", f"file:{film}",
        "--prompt", "cyberpunk", *LOOK, **POCKET,
    )  # fmt: skip
    service.until_styled()
    refused = sdcam(service, "prompt", "penicl")
    assert refused.returncode == 2
    assert 'pocket has no trained word in "penicl"' in refused.stderr
    told = service.until(lambda s: "prompt" in s["notices"])
    assert 'pocket has no trained word in "penicl"' in told["notices"]["prompt"]
    assert (told["card"], told["state"]) == ("", "running")  # the picture goes on
    ask(service.socket, "set", values={"look.strength": 0.45})  # and it is not asked for again
    os.kill(told["processes"]["model"]["pid"], signal.SIGKILL)
    service.until(
        lambda s: (
            s["restarts"]["model"] == 1 and list(s["notices"]) == ["prompt"] and not s["faults"]
        )
    )
    assert sdcam(service, "prompt", "pencil").returncode == 0
    after = service.until(lambda s: not s["notices"])
    service.until(lambda s: s["frames"]["styled"] > after["frames"]["styled"] + 5)
    service.end()
    distance = np.abs(frames_of(film)[:, ::8, ::8].astype(int) - CAMERA).mean(axis=(1, 2, 3))
    assert distance.min() > 25  # 2 with the word that it does not know


def sdcam(service, *words):
    return subprocess.run(
        [sys.executable, "-m", "sdcam", *words],
        env=service.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_prompt_that_the_model_does_not_know_is_not_saved(start, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text('look.prompt = "oil"\n')
    service = start("--source", "test", "--output", "null", "--config", str(config), **POCKET)
    service.until_styled()
    assert sdcam(service, "set", "look.prompt=animee", "--save").returncode == 2
    assert config.read_text() == 'look.prompt = "oil"\n'
    # The one before it is still on the air, and the next style is the one after that.
    assert sdcam(service, "next").stdout == f"{neighbour(load(config).styles, 'oil', 1)}\n"
    assert sdcam(service, "prompt", "anime", "--save").returncode == 0
    assert config.read_text() == 'look.prompt = "anime"\n'
    assert not service.status()["faults"]


def test_a_run_does_not_begin_with_a_prompt_that_the_model_does_not_know():
    words = "run --source test --output null --frames 1 --model pocket --prompt kitchen"
    done = subprocess.run(
        [sys.executable, "-m", "sdcam", *words.split()], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert 'pocket has no trained word in "kitchen"' in done.stderr.splitlines()[-1]
