"""`sdcam models` with a folder of models and a hub of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import Hub, Repository, serving
from model_commands import SDXS, TINY, Run

from sdcam.cli import main


@pytest.fixture
def models(monkeypatch, tmp_path) -> Path:
    monkeypatch.setattr("sdcam.models.registry.user_data_path", lambda app: tmp_path / "data" / app)
    return tmp_path / "data" / "streamdiffusion-cam" / "models"


@pytest.fixture
def hub(monkeypatch, tmp_path) -> Iterator[Hub]:
    """The tiny model, passed off as SDXS at the revision that the catalogue pins."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))  # no token of the developer's
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)  # it is 10 MB
    tiny = Repository.of(TINY, commit=SDXS.revision, licence="openrail++")
    with serving(Hub({SDXS.hub: tiny})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub


@pytest.fixture
def run(capsys) -> Run:
    """Runs a command that should end with a code; returns what it printed, or its last sentence."""

    def run(words: list[str], code: int = 0) -> str:
        assert main(words) == code, capsys.readouterr().err
        out, err = capsys.readouterr()
        return out if code == 0 else err.splitlines()[-1]

    return run


@pytest.fixture
def tiny_folder(tmp_path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "tiny"))
