"""The wheel alone carries everything: in an empty directory, without the checkout, it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with nothing but our package in it, installed from its wheel."""
    wheels = tmp_path_factory.mktemp("wheels")
    subprocess.run([*PIP, "wheel", "--no-deps", "--wheel-dir", wheels, ROOT], check=True)
    (wheel,) = wheels.glob("streamdiffusion_cam-*.whl")
    site = tmp_path_factory.mktemp("site")
    subprocess.run([*PIP, "install", "--no-deps", "--target", site, wheel], check=True)
    return site


def test_the_data_travel_inside(site):
    inside = {
        str(p.relative_to(site / "sdcam")) for p in (site / "sdcam").rglob("*") if p.is_file()
    }
    for needed in (
        "data/config/config.toml",
        "engines/replay/profiles.toml",
        "data/config/styles.toml",
        "data/launchd/com.streamdiffusion-cam.daemon.plist",
        "data/launchd/streamdiffusion-cam.service",
        "data/launchd/app/launcher.c",
        "data/launchd/app/Info.plist",
        "data/config/config.schema.json",
        "data/obs-scene/StreamDiffusion Cam (Linux).json",
        "data/obs-scene/StreamDiffusion Cam (macOS).json",
        "capture/demo/clip.mp4",
        "capture/demo/SOURCES.md",
        "models/pocket/unet/diffusion_pytorch_model.safetensors",
        "models/pocket/unet.onnx",
        "models/pocket/README.md",
    ):
        assert needed in inside


def test_it_runs_without_the_checkout(site, tmp_path):
    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "sdcam", *words],
            env={**os.environ, "PYTHONPATH": str(site)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    where = subprocess.run(
        [sys.executable, "-c", "import sdcam; print(sdcam.__file__)"],
        env={**os.environ, "PYTHONPATH": str(site)}, cwd=tmp_path, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(site)
    done = run("run", "--source", "test", "--output", "file:out.mp4", "--frames", "10", "--json",
               "--set", "service.socket=./control.sock")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"]["name"] == "pocket"
    assert (tmp_path / "out.mp4").stat().st_size > 0
