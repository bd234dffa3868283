"""OBS's own camera source on a real v4l2loopback, which the product's output feeds. It runs in the
virtual machine of tests/e2e/vm/run.sh."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from loopback_colours import COLOURS, read_as_bt709
from obs_program import HEIGHT, WIDTH, Obs
from obs_screen import screen
from obs_service import Service
from obs_waiting import end
from vm_devices import load_loopback, unload_loopback

STYLED = "Styled picture"
OUT = Path("/vmrun/out")  # what is left there is kept
CANVAS = 320, 180


@pytest.fixture(scope="module")
def writer():
    """Begins before OBS, as the documentation has it."""
    load_loopback()
    program = Path(__file__).with_name("loopback_writer.py")
    search = {"PYTHONPATH": str(Path(__file__).parents[1] / "e2e"), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        [sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=search
    ) as writer:
        assert writer.stdout.readline() == b"sends\n"
        yield writer
        end(writer)
    unload_loopback()


@pytest.fixture(scope="module")
def obs(writer, tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("home"))  # its folders; it need not run
    with screen() as display, Obs(service, display, OUT, CANVAS) as obs:
        yield obs


def test_obs_shows_the_virtual_camera_in_the_colours_that_it_gives_every_camera(obs):
    expected = [read_as_bt709(colour) for colour in COLOURS.values()]
    picture = obs.picture_that(STYLED, lambda shown: near(bars(shown), expected), "the bars")
    obs.keep("v4l2loopback", picture)
    for name, seen in zip(COLOURS, bars(picture), strict=True):
        print(f"measured: {name} {COLOURS[name]} is {tuple(int(value) for value in seen)} in OBS")


def test_the_picture_comes_back_by_itself_when_the_virtual_camera_does(obs, writer):
    say(writer, b"away\n")
    obs.log_that("select timed out")
    say(writer, b"sends\n")
    expected = [read_as_bt709(colour) for colour in COLOURS.values()]
    moved = expected[1:] + expected[:1]
    picture = obs.picture_that(STYLED, lambda shown: near(bars(shown), moved), "the bars moved")
    obs.keep("v4l2loopback again", picture)


def say(writer, answer: bytes) -> None:
    writer.stdin.write(b"\n")
    writer.stdin.flush()
    assert writer.stdout.readline() == answer


def bars(picture):
    """RGB in the middle of each bar."""
    step = WIDTH // len(COLOURS)
    return picture[HEIGHT // 2, step // 2 :: step, ::-1]


def near(seen, expected) -> bool:
    return bool(np.abs(seen.astype(int) - np.array(expected)).max() <= 3)
