"""The stages that a frame passes, in order: *preprocess* (crop, resize), *encode*, *denoise*,
*decode*, *smooth*. Where the networks are fused into one program: *preprocess*, *fused*, *smooth*.

Each stage owns the state that links one frame to the next: *denoise* the previous latent, *smooth*
the smoothed picture. Stages share nothing but a frame's `FrameBuffers`. Each may therefore run in
its own process with several frames in flight, and as long as frames keep their order the pictures
are equal to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np

from sdcam.arrays import Float
from sdcam.errors import SdcamError
from sdcam.pipeline.denoise import Denoiser, fixed_noise
from sdcam.pipeline.frame import Frame, FrameBuffers
from sdcam.pipeline.geometry import Framing
from sdcam.pipeline.look import Look, unknown_prompt
from sdcam.pipeline.networks import Networks
from sdcam.pipeline.similarity import SimilarityFilter
from sdcam.pipeline.smoothing import ExponentialSmoothing
from sdcam.pipeline.transition import PromptTransition

STAGES: Final = ("preprocess", "encode", "denoise", "decode", "smooth")
FUSED_STAGES: Final = ("preprocess", "fused", "smooth")

_CACHED_PROMPTS = 64


class Stage(Protocol):
    def __call__(self, frame: Frame, buffers: FrameBuffers) -> None: ...

    def apply_look(self, old: Look, wanted: Look, now_ns: int) -> None:
        """Applies a new look from the next frame on. Computes only what changed."""

    def reset(self) -> None:
        """Forgets all earlier frames: the next one is the first after a gap."""


class _Stateless:
    def apply_look(self, old: Look, wanted: Look, now_ns: int) -> None: ...

    def reset(self) -> None: ...


class PreprocessStage:
    """Camera frame to model input. Decides whether the model has to run at all."""

    def __init__(self, networks: Networks, look: Look) -> None:
        size = networks.spec.width, networks.spec.height
        self._framing = Framing(*size)
        self._similarity = SimilarityFilter(*size)
        self._look = look
        self._moves_until_ns = 0  # the prompt transition
        self._was_moving = False

    def __call__(self, frame: Frame, buffers: FrameBuffers) -> None:
        assert buffers.camera is not None
        self._framing(buffers.camera, buffers.model_input)
        moving = frame.now_ns < self._moves_until_ns
        if moving or self._was_moving:  # include the last step of a transition
            self._similarity.insist(_frames_to_settle(self._look.feedback))
        self._was_moving = moving
        threshold = self._look.similarity
        frame.inferred = not self._similarity.skips(buffers.model_input, threshold)

    def apply_look(self, old: Look, wanted: Look, now_ns: int) -> None:
        self._look = wanted
        if wanted.prompt != old.prompt:
            self._moves_until_ns = now_ns + round(wanted.transition_seconds * 1e9)
        if replace(wanted, similarity=old.similarity) != old:
            self._similarity.insist(_frames_to_settle(wanted.feedback))

    def reset(self) -> None:
        self._similarity.insist(1)


class EncodeStage(_Stateless):
    def __init__(self, networks: Networks, look: Look) -> None:
        self._encode = networks.encode

    def __call__(self, frame: Frame, buffers: FrameBuffers) -> None:
        if frame.inferred:
            np.copyto(buffers.latent, self._encode(buffers.model_input))


class _Guided:
    """The part that prompt-guided stages share: prompt embedding, transition and noise.

    Raises:
        UnknownPromptError: the model has no trained word of the first prompt. A later prompt that
            it does not know is marked in the frame, and the previous one stays.
    """

    def __init__(self, networks: Any, look: Look) -> None:
        self._spec = networks.spec
        self._schedule = networks.schedule
        self._look = look
        self._embed = lru_cache(_CACHED_PROMPTS)(lambda text: networks.embed(text).copy())
        self._refused = not self._knows(look.prompt)
        if self._refused:  # there is no previous prompt to keep
            raise unknown_prompt(self._spec.model, look.prompt)
        self._transition = PromptTransition(self._embed(look.prompt))
        self._noise = fixed_noise(look.seed, self._spec.latent_shape)

    def apply_look(self, old: Look, wanted: Look, now_ns: int) -> None:
        self._look = wanted
        if wanted.prompt != old.prompt:
            self._refused = not self._knows(wanted.prompt)
            if not self._refused:
                self._transition.aim(self._embed(wanted.prompt), wanted.transition_seconds, now_ns)
        if wanted.seed != old.seed:
            self._noise = fixed_noise(wanted.seed, self._spec.latent_shape)

    def _knows(self, prompt: str) -> bool:
        """Without a trained word the model returns the camera's own picture (invariant 1)."""
        least = self._spec.least_prompt_distance
        if least == 0.0:
            return True
        empty = self._embed("")
        away = np.linalg.norm(self._embed(prompt) - empty)
        return bool(away >= least * np.linalg.norm(empty))


class DenoiseStage(_Guided):
    """The encoded latent to the denoised one, in place."""

    def __init__(self, networks: Networks, look: Look) -> None:
        super().__init__(networks, look)
        self._levels = self._schedule.levels(look.strength, look.steps)
        self._denoiser = Denoiser(networks)

    def __call__(self, frame: Frame, buffers: FrameBuffers) -> None:
        frame.prompt_refused = self._refused
        if frame.inferred:
            latent = self._denoiser(
                buffers.latent,
                self._levels,
                self._noise,
                self._transition.at(frame.now_ns),
                self._look.feedback,
            )
            _check_finite(latent)
            np.copyto(buffers.latent, latent)

    def apply_look(self, old: Look, wanted: Look, now_ns: int) -> None:
        super().apply_look(old, wanted, now_ns)
        if (wanted.strength, wanted.steps) != (old.strength, old.steps):
            self._levels = self._schedule.levels(wanted.strength, wanted.steps)

    def reset(self) -> None:
        self._denoiser.forget()


class DecodeStage(_Stateless):
    def __init__(self, networks: Networks, look: Look) -> None:
        self._decode = networks.decode
        self._decoded = np.zeros((networks.spec.height, networks.spec.width, 3), np.uint8)

    def __call__(self, frame: Frame, buffers: FrameBuffers) -> None:
        if frame.inferred:
            self._decode(buffers.latent, self._decoded)
        np.copyto(buffers.styled, self._decoded)


class FusedStage(_Guided):
    """Encode, denoise and decode as one program."""

    def __init__(self, networks: Any, look: Look) -> None:
        super().__init__(networks, look)
        self._stylize = networks.stylize
        self._level = self._schedule.single_level(look.strength)
        self._previous = np.zeros(self._spec.latent_shape, np.float32)
        self._has_previous = False
        self._picture = np.zeros((self._spec.height, self._spec.width, 3), np.uint8)

    def __call__(self, frame: Frame, buffers: FrameBuffers) -> None:
        frame.prompt_refused = self._refused
        if frame.inferred:
            latent = self._stylize(
                buffers.model_input,
                self._transition.at(frame.now_ns),
                self._noise,
                self._previous,
                self._level,
                self._look.feedback if self._has_previous else 0.0,
                self._picture,
            )
            _check_finite(latent)
            np.copyto(self._previous, latent)
            self._has_previous = True
        np.copyto(buffers.styled, self._picture)

    def apply_look(self, old: Look, wanted: Look, now_ns: int) -> None:
        super().apply_look(old, wanted, now_ns)
        if wanted.strength != old.strength:
            self._level = self._schedule.single_level(wanted.strength)

    def reset(self) -> None:
        self._has_previous = False


class SmoothStage:
    def __init__(self, networks: Networks, look: Look) -> None:
        self._smoothing = ExponentialSmoothing(networks.spec.width, networks.spec.height)
        self._share = look.smoothing

    def __call__(self, frame: Frame, buffers: FrameBuffers) -> None:
        self._smoothing(buffers.styled, self._share)

    def apply_look(self, old: Look, wanted: Look, now_ns: int) -> None:
        self._share = wanted.smoothing

    def reset(self) -> None:
        self._smoothing.reset()


BUILDERS: Final[dict[str, Callable[[Any, Look], Stage]]] = {
    "preprocess": PreprocessStage,
    "encode": EncodeStage,
    "denoise": DenoiseStage,
    "decode": DecodeStage,
    "fused": FusedStage,
    "smooth": SmoothStage,
}


def _check_finite(latent: Float) -> None:
    """A latent with NaN or infinity would feed back into every later picture."""
    flat = latent.reshape(-1)
    if not math.isfinite(float(np.dot(flat, flat))):
        raise SdcamError("The model produced NaN or infinite values.", "Restarting it.")


def _frames_to_settle(feedback: float) -> int:
    """Frames until feedback leaves less than one grey level of an earlier picture."""
    return 1 if feedback <= 0 else 1 + math.ceil(math.log(1 / 255) / math.log(feedback))
