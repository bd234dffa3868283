"""The automatic render size, with networks that take as long as they are told to: by a clock that
nothing else moves."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest

from sdcam.engines.render_size import SMOOTH_FPS, WIDE, auto_size, measured_size
from sdcam.models.folder import USUAL_SIZE
from sdcam.pipeline.networks import NetworksSpec
from sdcam.pipeline.scheduler import NoiseSchedule

POCKET = SimpleNamespace(name="pocket")
CLOCK = SimpleNamespace(seconds=0.0)


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr(time, "perf_counter", lambda: CLOCK.seconds)


class Slow:
    """Takes a fixed time a pixel."""

    schedule = NoiseSchedule.from_config({})

    def __init__(self, size, seconds_a_megapixel):
        self.spec = NetworksSpec("slow", "sleep", *size, 4, 8)
        self.seconds = seconds_a_megapixel * size[0] * size[1] / 1e6
        self.closed = False

    def embed(self, prompt):
        return np.zeros((1, 77, 8), np.float32)

    def encode(self, image):
        CLOCK.seconds += self.seconds
        return np.zeros(self.spec.latent_shape, np.float32)

    def predict_noise(self, latent, timestep, prompt_embeds):
        return latent

    def decode(self, latent, out):
        out[...] = 0

    def close(self):
        self.closed = True


@pytest.mark.parametrize(
    ("fps_at_the_largest", "expected"), [(60, 0), (SMOOTH_FPS * 0.9, 1), (1, -1)]
)
def test_the_largest_size_that_is_smooth(fps_at_the_largest, expected):
    megapixels = WIDE[0][0] * WIDE[0][1] / 1e6
    opened = []

    def open_at(size):
        opened.append(Slow(size, 1 / fps_at_the_largest / megapixels))
        return opened[-1]

    assert measured_size(open_at) == WIDE[expected]
    assert all(networks.closed for networks in opened)


def test_sizes_fall_and_can_be_painted():
    areas = [width * height for width, height in WIDE]
    assert areas == sorted(areas, reverse=True)
    assert all(side % 64 == 0 for size in WIDE for side in size)
    assert USUAL_SIZE[0] * USUAL_SIZE[1] >= areas[0]  # memory is allocated for the largest


def test_it_is_measured_once_an_engine_and_remembered(tmp_path):
    opened = []

    def open_at(size):
        opened.append(Slow(size, 10.0))
        return opened[-1]

    cache = tmp_path / "cache" / "render-size.json"
    sizes = {auto_size(POCKET, "openvino", open_at, cache) for _ in range(3)}
    assert sizes == {WIDE[-1]}
    assert len(opened) == 1
    auto_size(POCKET, "torch", open_at, cache)
    assert len(opened) == 2


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}'])
def test_a_damaged_cache_is_measured_anew(tmp_path, text):
    cache = tmp_path / "render-size.json"
    cache.write_text(text)
    assert auto_size(POCKET, "openvino", lambda size: Slow(size, 10.0), cache) == WIDE[-1]


def test_an_unwritable_cache_only_costs_time(tmp_path):
    (tmp_path / "file").touch()
    cache = tmp_path / "file" / "render-size.json"
    assert auto_size(POCKET, "openvino", lambda size: Slow(size, 10.0), cache) == WIDE[-1]


def test_big_models_paint_the_square_that_they_were_made_for():
    assert auto_size(SimpleNamespace(name="sdxs-512"), "auto", lambda size: None) == USUAL_SIZE
