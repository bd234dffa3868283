"""The tiny model with what diffusers computes from it; a machine's video devices and their apps."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sdcam.models import ModelFolder

TINY_MODEL = Path(__file__).parents[1] / "data" / "tiny-model"


@pytest.fixture(scope="session")
def tiny_model() -> ModelFolder:
    return ModelFolder.open(TINY_MODEL)


@pytest.fixture(scope="session")
def references() -> dict[str, np.ndarray]:
    with np.load(TINY_MODEL / "references.npz") as stored:
        return dict(stored)


@pytest.fixture
def tiny_copy(tmp_path) -> Path:
    """A copy of the tiny model to break."""
    return Path(shutil.copytree(TINY_MODEL, tmp_path / "tiny"))


def relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Relative L2 difference."""
    theirs = theirs.astype(np.float64)
    return float(np.linalg.norm(ours.astype(np.float64) - theirs) / np.linalg.norm(theirs))


@pytest.fixture(scope="session", name="relative")
def _relative():
    return relative


@pytest.fixture
def linux(tmp_path):
    """What Linux says of a webcam (two nodes) and two loopback devices."""
    labels = {"video0": "HD Webcam: HD Webcam", "video1": "HD Webcam: HD Webcam"}
    labels |= {"video9": "StreamDiffusion Cam", "video10": "StreamDiffusion Cam", "video11": "OBS"}
    nodes = tmp_path / "class" / "video4linux"
    nodes.mkdir(parents=True)
    for node, label in labels.items():
        bus = "usb1" if label.startswith("HD") else "virtual"
        folder = tmp_path / "devices" / bus / "video4linux" / node
        folder.mkdir(parents=True)
        (folder / "name").write_text(label + "\n")
        (nodes / node).symlink_to(folder)
    (tmp_path / "module" / "v4l2loopback").mkdir(parents=True)
    return tmp_path


_APP = """
import mmap, sys
camera = open(sys.argv[1], "rb")
if sys.argv[2] == "streams":
    memory = mmap.mmap(camera.fileno(), 0, prot=mmap.PROT_READ)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def node(tmp_path):
    path = tmp_path / "video10"
    path.write_bytes(bytes(4096))
    return path


@pytest.fixture
def app(node) -> Iterator:
    """Starts a program that has the node open, and ends it."""
    running = []

    def start(what="opens", path=node) -> subprocess.Popen:
        command = [sys.executable, "-I", "-S", "-c", _APP, str(path), what]
        program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        running.append(program)
        assert program.stdout.readline() == b"ready\n"
        return program

    def end(program: subprocess.Popen) -> None:
        program.kill()
        program.communicate()
        running.remove(program)

    start.end = end
    yield start
    for program in list(running):
        end(program)
