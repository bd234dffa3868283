"""The tiny model: the pocket family at its smallest, with what diffusers computes from it."""

from __future__ import annotations

import shutil
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
