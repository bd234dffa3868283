"""The whole of img2img on networks that can be checked by hand."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from sdcam.errors import SdcamError, UsageError
from sdcam.pipeline.frame import Frame, FrameBuffers
from sdcam.pipeline.img2img import Img2Img
from sdcam.pipeline.look import Look
from sdcam.pipeline.networks import NetworksSpec
from sdcam.pipeline.scheduler import NoiseSchedule
from sdcam.pipeline.stages import FUSED_STAGES, STAGES

SIZE = 64
SECOND = 10**9
STILL = Look("red", feedback=0.0, smoothing=0.0, transition_seconds=0.0)
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


class Choosy(PaintBox):
    """Knows two words. To it the others say what no word says, and it paints black."""

    spec = replace(PaintBox.spec, least_prompt_distance=0.5)

    def embed(self, prompt):
        self.calls.append(f"embed {prompt}")
        words = np.ones((1, 77, 3), np.float32) / 100
        return words + np.float32(COLOURS.get(prompt, (0, 0, 0))) / 255


def frame(value, height=48, width=96):
    return np.full((height, width, 3), value, np.uint8)


@pytest.fixture
def box():
    return PaintBox()


class Painter:
    """An `Img2Img` that is fed one frame at a time, all with the look that is set."""

    def __init__(self, box, look=STILL, stages=STAGES):
        self.look = look
        self.buffers = FrameBuffers.allocate(box.spec)
        self._img2img = Img2Img(box, look, stages)

    def __call__(self, camera, now=0, first=False):
        frame = Frame(self.look, now, first)
        self._img2img.stylize(frame, replace(self.buffers, camera=camera))
        return frame, self.buffers.styled.copy()


def colour(picture):
    return tuple(int(v) for v in np.rint(picture.reshape(-1, 3).mean(0)))


def test_the_prompt_is_painted_and_the_model_sees_the_rgb_centre(box):
    paint = Painter(box)
    camera = frame(0)
    camera[:, 24:72] = (10, 20, 30)  # BGR; exactly the centred square
    painted, styled = paint(camera)
    assert painted.inferred
    assert set(painted.stage_ns) == set(STAGES)
    assert colour(paint.buffers.model_input) == (30, 20, 10)
    assert colour(styled) == pytest.approx((255, 0, 0), abs=2)


def test_strength_zero_is_the_camera_through_the_autoencoder(box):
    paint = Painter(box, replace(STILL, strength=0.0))
    _, styled = paint(frame(77))
    assert "unet" not in box.calls
    assert colour(styled) == (77, 77, 77)


def test_an_identical_frame_is_not_inferred_twice(box):
    paint = Painter(box)
    first, styled = paint(frame(10))
    again, shown = paint(frame(10))
    other, _ = paint(frame(11))
    assert [first.inferred, again.inferred, other.inferred] == [True, False, True]
    np.testing.assert_array_equal(styled, shown)
    assert box.calls.count("unet") == 2


def test_a_new_prompt_is_painted_on_a_still_picture_until_nothing_of_the_old_is_left(box):
    look = replace(STILL, feedback=0.3, smoothing=0.4)
    paint = Painter(box, look)
    paint(frame(10))
    paint.look = replace(look, prompt="blue")
    for _ in range(12):
        _, styled = paint(frame(10))
    assert colour(styled) == pytest.approx((0, 0, 255), abs=3)
    painted, _ = paint(frame(10))
    assert not painted.inferred


def test_one_prompt_melts_into_the_next(box):
    look = replace(STILL, transition_seconds=2.0)
    paint = Painter(box, look)
    paint(frame(10), 0)
    paint.look = replace(look, prompt="blue")
    paint(frame(10), 0)  # the transition begins with the first frame of the new look
    halfway = colour(paint(frame(10), 1 * SECOND)[1])
    after = colour(paint(frame(10), 2 * SECOND)[1])
    assert halfway == pytest.approx((128, 0, 128), abs=3)
    assert after == pytest.approx((0, 0, 255), abs=2)


def test_prompts_are_embedded_once(box):
    paint = Painter(box)
    for prompt in ("blue", "red", "blue", "red"):
        paint.look = replace(STILL, prompt=prompt)
        paint(frame(0))
    assert [c for c in box.calls if c.startswith("embed")] == ["embed red", "embed blue"]


def test_smoothing_keeps_its_share_of_what_was_shown(box):
    paint = Painter(box, replace(STILL, strength=0.0, smoothing=0.75))
    paint(frame(0))
    _, styled = paint(frame(200))
    assert colour(styled) == (50, 50, 50)


def test_the_first_frame_after_a_gap_shows_nothing_of_earlier_frames(box):
    paint = Painter(box, replace(STILL, strength=0.0, smoothing=0.9, feedback=0.9))
    paint(frame(0))
    _, styled = paint(frame(200), first=True)
    assert colour(styled) == (200, 200, 200)


def test_the_similarity_filter_skips_some_similar_frames_and_no_different_ones(box):
    paint = Painter(box, replace(STILL, similarity=0.9))
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
    buffers = FrameBuffers.allocate(img2img.networks.spec)
    cameras = [frame(i, 720, 1280) for i in range(4)]
    for camera in cameras:
        img2img.stylize(Frame(STILL, 0), replace(buffers, camera=camera))
    tracemalloc.start()
    before = tracemalloc.take_snapshot()
    for camera in cameras * 5:
        img2img.stylize(Frame(STILL, 0), replace(buffers, camera=camera))
    peak = tracemalloc.get_traced_memory()[1] - sum(s.size for s in before.statistics("filename"))
    tracemalloc.stop()
    assert peak < 100_000  # a latent is 131 kB, a picture 786 kB


def test_stages_apart_paint_the_same_to_the_bit(box):
    """Three frames in flight, each stage with an instance of its own, as processes have them."""
    look = replace(STILL, feedback=0.6, smoothing=0.5, strength=0.4)
    cameras = [frame(value) for value in (10, 90, 90, 40, 200, 5)]
    whole = Painter(box, look)
    expected = [whole(camera)[1] for camera in cameras]

    parts = [
        Img2Img(PaintBox(), look, stages)
        for stages in (("preprocess", "encode"), ("denoise",), ("decode", "smooth"))
    ]
    buffers = [FrameBuffers.allocate(box.spec, camera) for camera in cameras]
    frames = [Frame(look, 0) for _ in cameras]
    for tick in range(len(cameras) + 2):
        for position, part in enumerate(parts):  # first in, first out, all stages busy at once
            if 0 <= (n := tick - position) < len(cameras):
                part.stylize(frames[n], buffers[n])
    assert [each.inferred for each in frames] == [True, True, False, True, True, True]
    for each, picture in zip(buffers, expected, strict=True):
        np.testing.assert_array_equal(each.styled, picture)


def test_a_fused_model_paints_what_its_stages_do(box):
    look = replace(STILL, feedback=0.6, smoothing=0.5, strength=0.4)
    whole = Painter(box, look)
    fused = Painter(FusedPaintBox(), look, FUSED_STAGES)
    for value in (10, 90, 90, 40):
        painted, styled = fused(frame(value))
        assert tuple(painted.stage_ns) == FUSED_STAGES
        np.testing.assert_allclose(styled, whole(frame(value))[1], atol=1)


def test_values_that_are_no_numbers_are_a_fault_and_never_fed_back(box):
    paint = Painter(box, replace(STILL, feedback=0.5))
    paint(frame(10))
    box.predict_noise = lambda latent, timestep, prompt: np.full_like(latent, np.nan)
    with pytest.raises(SdcamError, match="NaN"):
        paint(frame(20))


class FusedPaintBox(PaintBox):
    def stylize(self, image, prompt_embeds, noise, previous, level, feedback, out):
        clean = self.encode(image) * (1 - feedback) + previous * feedback
        noisy = level.sqrt_alpha * clean + level.sqrt_one_minus_alpha * noise
        eps = self.predict_noise(noisy, level.timestep, prompt_embeds)
        latent = clean + level.sqrt_one_minus_alpha / level.sqrt_alpha * (noise - eps)
        self.decode(latent, out)
        return latent


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


def test_a_prompt_that_the_model_does_not_know_changes_nothing_and_is_told():
    paint = Painter(Choosy())
    known = paint(frame(0))
    assert not known[0].prompt_refused
    paint.look = replace(STILL, prompt="bleu")
    refused, picture = paint(frame(0), now=SECOND)
    assert refused.prompt_refused
    np.testing.assert_array_equal(picture, known[1])
    paint.look = replace(STILL, prompt="blue")
    again, picture = paint(frame(0), now=2 * SECOND)
    assert not again.prompt_refused
    assert colour(picture)[2] > 250


@pytest.mark.parametrize("prompt", ["rde", "", " "])
def test_a_model_does_not_begin_with_a_prompt_that_it_does_not_know(prompt):
    with pytest.raises(
        UsageError, match=f'paint-box has no trained word in "{prompt}".*your camera'
    ):
        Img2Img(Choosy(), replace(STILL, prompt=prompt))
