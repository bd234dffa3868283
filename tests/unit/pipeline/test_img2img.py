"""The whole of img2img on networks that can be checked by hand."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from sdcam.pipeline.img2img import STAGES, Conditioning, Img2Img
from sdcam.pipeline.networks import NetworksSpec
from sdcam.pipeline.scheduler import NoiseSchedule

SIZE = 64
SECOND = 10**9
STILL = Conditioning("red", feedback=0.0, smoothing=0.0, transition_seconds=0.0)
COLOURS = {"red": (255, 0, 0), "blue": (0, 0, 255)}


class PaintBox:
    """Paints the whole picture in the prompt's colour; the latent is the colour in [0, 1]."""

    spec = NetworksSpec("paint-box", "numpy", SIZE, SIZE, 3, 3)
    schedule = NoiseSchedule.from_config({"beta_start": 1e-7, "beta_end": 1e-7})

    def __init__(self):
        self.calls = []
        self._latent = np.zeros(self.spec.latent_shape, np.float32)

    def embed(self, prompt):
        self.calls.append(f"embed {prompt}")
        return np.broadcast_to(np.float32(COLOURS[prompt]) / 255, (1, 77, 3)).copy()

    def encode(self, image):
        self.calls.append("encode")
        cell = image.reshape(8, SIZE // 8, 8, SIZE // 8, 3).mean((1, 3))
        self._latent[0] = cell.transpose(2, 0, 1) / 255
        return self._latent

    def predict_noise(self, latent, timestep, prompt_embeds):
        self.calls.append("unet")
        level = self.schedule.level(timestep)
        want = prompt_embeds[0, 0][None, :, None, None]
        # The noise that leads from this latent to the wanted one.
        return ((latent - level.sqrt_alpha * want) / level.sqrt_one_minus_alpha).astype(np.float32)

    def decode(self, latent, out):
        self.calls.append("decode")
        picture = np.rint(latent[0].transpose(1, 2, 0) * 255).clip(0, 255).astype(np.uint8)
        out[...] = picture.repeat(SIZE // 8, 0).repeat(SIZE // 8, 1)

    def close(self): ...


def frame(value, height=48, width=96):
    return np.full((height, width, 3), value, np.uint8)


@pytest.fixture
def box():
    return PaintBox()


def painter(box, conditioning=STILL):
    img2img = Img2Img(box, conditioning)
    seen = np.zeros((SIZE, SIZE, 3), np.uint8)
    styled = np.zeros_like(seen)

    def paint(camera, now=0):
        painted = img2img.paint(camera, now, seen, styled)
        return painted, styled.copy()

    return img2img, paint, seen


def colour(picture):
    return tuple(int(v) for v in np.rint(picture.reshape(-1, 3).mean(0)))


def test_the_prompt_is_painted_and_the_model_sees_the_rgb_centre(box):
    _, paint, seen = painter(box)
    camera = frame(0)
    camera[:, 24:72] = (10, 20, 30)  # BGR; exactly the centred square
    painted, styled = paint(camera)
    assert painted.inferred
    assert set(painted.stage_ns) == set(STAGES)
    assert colour(seen) == (30, 20, 10)
    assert colour(styled) == pytest.approx((255, 0, 0), abs=2)


def test_strength_zero_is_the_camera_through_the_autoencoder(box):
    _, paint, _ = painter(box, replace(STILL, strength=0.0))
    _, styled = paint(frame(77))
    assert "unet" not in box.calls
    assert colour(styled) == (77, 77, 77)


def test_an_identical_frame_is_not_inferred_twice(box):
    _, paint, _ = painter(box)
    first, styled = paint(frame(10))
    again, shown = paint(frame(10))
    other, _ = paint(frame(11))
    assert [first.inferred, again.inferred, other.inferred] == [True, False, True]
    np.testing.assert_array_equal(styled, shown)
    assert box.calls.count("unet") == 2


def test_a_new_prompt_is_painted_on_a_still_picture_until_nothing_of_the_old_is_left(box):
    look = replace(STILL, feedback=0.3, smoothing=0.4)
    img2img, paint, _ = painter(box, look)
    paint(frame(10))
    img2img.condition(replace(look, prompt="blue"), 0)
    for _ in range(12):
        _, styled = paint(frame(10))
    assert colour(styled) == pytest.approx((0, 0, 255), abs=3)
    painted, _ = paint(frame(10))
    assert not painted.inferred


def test_one_prompt_melts_into_the_next(box):
    look = replace(STILL, transition_seconds=2.0)
    img2img, paint, _ = painter(box, look)
    paint(frame(10), 0)
    img2img.condition(replace(look, prompt="blue"), 0)
    halfway = colour(paint(frame(10), 1 * SECOND)[1])
    after = colour(paint(frame(10), 2 * SECOND)[1])
    assert halfway == pytest.approx((128, 0, 128), abs=3)
    assert after == pytest.approx((0, 0, 255), abs=2)


def test_prompts_are_embedded_once(box):
    img2img, _, _ = painter(box)
    for prompt in ("blue", "red", "blue", "red"):
        img2img.condition(replace(STILL, prompt=prompt), 0)
    assert [c for c in box.calls if c.startswith("embed")] == ["embed red", "embed blue"]


def test_smoothing_keeps_its_share_of_what_was_shown(box):
    _, paint, _ = painter(box, replace(STILL, strength=0.0, smoothing=0.75))
    paint(frame(0))
    _, styled = paint(frame(200))
    assert colour(styled) == (50, 50, 50)


def test_a_reset_shows_nothing_of_the_frames_before(box):
    img2img, paint, _ = painter(box, replace(STILL, strength=0.0, smoothing=0.9, feedback=0.9))
    paint(frame(0))
    img2img.reset()
    _, styled = paint(frame(200))
    assert colour(styled) == (200, 200, 200)


def test_the_similarity_filter_skips_some_similar_frames_and_no_different_ones(box):
    _, paint, _ = painter(box, replace(STILL, similarity=0.9))
    random = np.random.default_rng(0)
    ramp = np.tile(np.arange(96, dtype=np.uint8)[None, :, None], (48, 1, 3))
    inferred = 0
    for _ in range(40):
        noisy = ramp + random.integers(0, 3, ramp.shape, dtype=np.uint8)
        inferred += paint(noisy)[0].inferred
    assert 2 <= inferred < 30
    assert paint(255 - ramp)[0].inferred


def test_steady_state_allocates_no_frame(box):
    """Of the pipeline's own code; the paint box allocates as a network may."""
    img2img = Img2Img(_Fixed(box.spec), STILL)
    seen, styled = np.zeros((2, 512, 512, 3), np.uint8)
    cameras = [frame(i, 720, 1280) for i in range(4)]
    for camera in cameras:
        img2img.paint(camera, 0, seen, styled)
    tracemalloc.start()
    before = tracemalloc.take_snapshot()
    for camera in cameras * 5:
        img2img.paint(camera, 0, seen, styled)
    peak = tracemalloc.get_traced_memory()[1] - sum(s.size for s in before.statistics("filename"))
    tracemalloc.stop()
    assert peak < 100_000  # a latent is 131 kB, a picture 786 kB


class _Fixed:
    """Networks of the real size that hand out the same arrays."""

    schedule = PaintBox.schedule

    def __init__(self, spec):
        self.spec = replace(spec, width=512, height=512, latent_channels=8)
        self._latent = np.ones(self.spec.latent_shape, np.float32)
        self._embeds = np.ones((1, 77, 3), np.float32)

    def embed(self, prompt):
        return self._embeds

    def encode(self, image):
        return self._latent

    def predict_noise(self, latent, timestep, prompt_embeds):
        return self._latent

    def decode(self, latent, out):
        out[...] = 7
