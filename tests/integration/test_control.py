"""The running service obeys the command line."""

from __future__ import annotations

import re

import cv2
import numpy as np


def test_prompt_changes_while_running(start, sdcam):
    service = start("--source", "test", "--output", "null")
    service.until_styled()
    assert sdcam("prompt", "anime").returncode == 0
    look = service.status()["look"]
    assert look["prompt"] == "anime"
    assert "anime" in look["prompt_text"]
    assert sdcam("set", "look.strength=0.25", "look.blend=0.5").returncode == 0
    look = service.status()["look"]
    assert (look["strength"], look["blend"], look["prompt"]) == (0.25, 0.5, "anime")


def test_next_and_prev_walk_through_the_gallery(start, sdcam):
    service = start("--source", "test", "--output", "null", "--prompt", "oil")
    service.until_styled()
    first = sdcam("next").stdout.strip()
    second = sdcam("next").stdout.strip()
    assert [first, second] == ["watercolor", "pencil"]
    assert sdcam("prev").stdout.strip() == first
    for _ in range(2):
        last = sdcam("prev").stdout.strip()
    assert last == "pop art"


def test_wrong_value_changes_nothing_and_says_why(start, sdcam):
    service = start("--source", "test", "--output", "null")
    before = service.until_styled()["look"]
    for words, sentence in {
        "look.strength=2": "less than or equal to 1",
        "look.strenght=0.2": "look.strength",
        "camera.width=640": "cannot be changed while running|can be changed while running",
    }.items():
        done = sdcam("set", words)
        assert done.returncode == 2
        assert any(part in done.stderr for part in sentence.split("|")), done.stderr
    assert service.status()["look"] == before


def test_snapshot_is_the_styled_picture(start, sdcam, tmp_path):
    service = start("--source", "test", "--output", "null")
    service.until_styled()
    done = sdcam("snapshot", "picture.png")
    assert done.returncode == 0, done.stderr
    picture = cv2.imread(str(tmp_path / "picture.png"))
    assert picture.shape == (64, 64, 3)
    assert np.ptp(picture) > 10
    assert sdcam("snapshot", "/nowhere/picture.png").returncode == 1


def test_status_is_for_people_and_for_programs(start, sdcam):
    service = start("--source", "test", "--output", "null")
    service.until_styled()
    text = sdcam("status").stdout
    assert re.search(r"^state +running$", text, re.MULTILINE)
    assert "fps" in text
    assert '"latency_ms"' in sdcam("status", "--json").stdout
