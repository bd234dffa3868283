"""Camera frame in, styled frame out: the whole of img2img on one model.

A frame passes the stages in order: *frame* (crop, resize), *encode*, *denoise*, *decode*,
*smooth*. They are separate methods so that a runtime may give each its own process and keep
several frames in flight; `paint` runs them one after the other.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sdcam.pipeline.denoise import Denoiser, fixed_noise
from sdcam.pipeline.geometry import Framing
from sdcam.pipeline.networks import Networks
from sdcam.pipeline.similarity import SimilarityFilter
from sdcam.pipeline.smoothing import ExponentialSmoothing
from sdcam.pipeline.transition import PromptTransition

Float = NDArray[np.float32]
Pixels = NDArray[np.uint8]
T = TypeVar("T")

STAGES = ("frame", "encode", "denoise", "decode", "smooth")
_CACHED_PROMPTS = 64


@dataclass(frozen=True)
class Conditioning:
    """What the user wants to see, resolved: the prompt is text, never the name of a style."""

    prompt: str
    strength: float = 0.5
    feedback: float = 0.1
    smoothing: float = 0.4
    transition_seconds: float = 0.7
    seed: int = 42
    steps: int = 1
    similarity: float = 0.0


@dataclass(frozen=True)
class Painted:
    """What became of a frame: whether the model ran, and the time of each stage."""

    inferred: bool
    stage_ns: dict[str, int]


class Img2Img:
    """
    Args:
        networks: the model, loaded.
        conditioning: the first look; the first prompt is shown at once, without a transition.
    """

    def __init__(self, networks: Networks, conditioning: Conditioning) -> None:
        spec = networks.spec
        self.networks = networks
        self._framing = Framing(spec.width, spec.height)
        self._denoiser = Denoiser(networks)
        self._smoothing = ExponentialSmoothing(spec.width, spec.height)
        self._similarity = SimilarityFilter(spec.width, spec.height)
        self._embed = lru_cache(_CACHED_PROMPTS)(lambda text: networks.embed(text).copy())
        self._transition = PromptTransition(self._embed(conditioning.prompt))
        self._noise = fixed_noise(conditioning.seed, spec.latent_shape)
        self._levels = networks.schedule.levels(conditioning.strength, conditioning.steps)
        self._decoded = np.zeros((spec.height, spec.width, 3), np.uint8)
        self._conditioning = conditioning
        self._was_moving = False
        self._stage_ns = dict.fromkeys(STAGES, 0)

    @property
    def conditioning(self) -> Conditioning:
        return self._conditioning

    def condition(self, wanted: Conditioning, now_ns: int) -> None:
        """Takes a new look into force with the next frame; only what changed is computed."""
        old, self._conditioning = self._conditioning, wanted
        if wanted.prompt != old.prompt:
            self._transition.aim(self._embed(wanted.prompt), wanted.transition_seconds, now_ns)
        if wanted.seed != old.seed:
            self._noise = fixed_noise(wanted.seed, self.networks.spec.latent_shape)
        if (wanted.strength, wanted.steps) != (old.strength, old.steps):
            self._levels = self.networks.schedule.levels(wanted.strength, wanted.steps)
        if replace(wanted, similarity=old.similarity) != old:
            self._similarity.insist(_frames_to_settle(wanted.feedback))

    def paint(self, camera: Pixels, now_ns: int, seen: Pixels, styled: Pixels) -> Painted:
        """
        Args:
            camera: BGR frame (h, w, 3) of any size.
            now_ns: `time.monotonic_ns()`, the clock of prompt transitions.
            seen: gets the picture that the model sees, RGB (H, W, 3).
            styled: gets the painted picture, RGB (H, W, 3).
        """
        spent = self._stage_ns
        for stage in STAGES:
            spent[stage] = 0
        self._timed("frame", lambda: self._framing(camera, seen))
        moving = self._transition.moving(now_ns)
        if moving or self._was_moving:  # the last step of a transition counts too
            self._similarity.insist(_frames_to_settle(self._conditioning.feedback))
        self._was_moving = moving
        inferred = not self._similarity.skips(seen, self._conditioning.similarity)
        if inferred:
            encoded = self._timed("encode", lambda: self.networks.encode(seen))
            latent = self._timed("denoise", lambda: self._denoise(encoded, now_ns))
            self._timed("decode", lambda: self.networks.decode(latent, self._decoded))
        self._timed("smooth", lambda: self._smooth(styled))
        return Painted(inferred, dict(spent))

    def reset(self) -> None:
        """After a gap: nothing of the frames before it shows in the next one."""
        self._denoiser.forget()
        self._smoothing.reset()
        self._similarity.insist(1)

    def _denoise(self, encoded: Float, now_ns: int) -> Float:
        return self._denoiser(
            encoded,
            self._levels,
            self._noise,
            self._transition.at(now_ns),
            self._conditioning.feedback,
        )

    def _smooth(self, styled: Pixels) -> None:
        np.copyto(styled, self._decoded)
        self._smoothing(styled, self._conditioning.smoothing)

    def _timed(self, stage: str, work: Callable[[], T]) -> T:
        start = time.perf_counter_ns()
        result = work()
        self._stage_ns[stage] = time.perf_counter_ns() - start
        return result


def _frames_to_settle(feedback: float) -> int:
    """Frames after which less than one grey level of what was there before is left."""
    return 1 if feedback <= 0 else 1 + math.ceil(math.log(1 / 255) / math.log(feedback))
