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
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from sdcam.errors import SdcamError
from sdcam.pipeline.denoise import Denoiser, fixed_noise
from sdcam.pipeline.geometry import Framing
from sdcam.pipeline.look import Look, unknown_prompt
from sdcam.pipeline.networks import Networks, NetworksSpec
from sdcam.pipeline.similarity import SimilarityFilter
from sdcam.pipeline.smoothing import ExponentialSmoothing
from sdcam.pipeline.transition import PromptTransition

Float = NDArray[np.float32]
Pixels = NDArray[np.uint8]

STAGES: Final = ("preprocess", "encode", "denoise", "decode", "smooth")
FUSED_STAGES: Final = ("preprocess", "fused", "smooth")

MOST_LATENT_CHANNELS: Final = 64  # the family has 4, the embedded model 32

_CACHED_PROMPTS = 64


def frame_buffer_bytes(width: int, height: int) -> int:
    """Memory for the buffers of any model that paints this size."""
    return 2 * width * height * 3 + 4 * MOST_LATENT_CHANNELS * (width // 8) * (height // 8)


@dataclass(frozen=True)
class FrameBuffers:
    """What a frame's stages leave for each other."""

    model_input: Pixels  # what the model sees, RGB (H, W, 3)
    styled: Pixels  # what it paints, RGB (H, W, 3)
    latent: Float  # (1, L, H/8, W/8)

    @classmethod
    def over(cls, memory: Pixels, spec: NetworksSpec) -> FrameBuffers:
        """Lays the three out over the first bytes of `memory`, (n,)."""
        shape = (spec.height, spec.width, 3)
        size = math.prod(shape)
        latent = memory[2 * size : 2 * size + 4 * math.prod(spec.latent_shape)].view(np.float32)
        return cls(
            memory[:size].reshape(shape),
            memory[size : 2 * size].reshape(shape),
            latent.reshape(spec.latent_shape),
        )

    @classmethod
    def blank(cls, spec: NetworksSpec) -> FrameBuffers:
        return cls.over(np.zeros(frame_buffer_bytes(spec.width, spec.height), np.uint8), spec)


@dataclass
class Frame:
    """A frame on its way.

    Attributes:
        camera: BGR picture (h, w, 3) of any size; only the stage *preprocess* looks at it.
        now_ns: `time.monotonic_ns()`, the clock of prompt transitions.
        inferred: False once it is known that the last result can stand for this frame too.
        prompt_refused: the look before it goes on: the model knows no word of the new prompt.
    """

    camera: Pixels | None
    now_ns: int
    buffers: FrameBuffers
    inferred: bool = True
    prompt_refused: bool = False


class Stage(Protocol):
    def __call__(self, frame: Frame) -> None: ...

    def apply_look(self, old: Look, wanted: Look, now_ns: int) -> None:
        """Takes a new look into force with the next frame; only what changed is computed."""

    def reset(self) -> None:
        """After a gap: nothing of the frames before it shows in the next one."""


class _Stateless:
    def apply_look(self, old: Look, wanted: Look, now_ns: int) -> None: ...

    def reset(self) -> None: ...


class PreprocessStage:
    """Camera to what the model sees; finds out whether the model has to run at all."""

    def __init__(self, networks: Networks, look: Look) -> None:
        size = networks.spec.width, networks.spec.height
        self._framing = Framing(*size)
        self._similarity = SimilarityFilter(*size)
        self._look = look
        self._moves_until_ns = 0  # the prompt transition
        self._was_moving = False

    def __call__(self, frame: Frame) -> None:
        assert frame.camera is not None
        self._framing(frame.camera, frame.buffers.model_input)
        moving = frame.now_ns < self._moves_until_ns
        if moving or self._was_moving:  # the last step of a transition counts too
            self._similarity.insist(_frames_to_settle(self._look.feedback))
        self._was_moving = moving
        threshold = self._look.similarity
        frame.inferred = not self._similarity.skips(frame.buffers.model_input, threshold)

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

    def __call__(self, frame: Frame) -> None:
        if frame.inferred:
            np.copyto(frame.buffers.latent, self._encode(frame.buffers.model_input))


class _Guided:
    """What the stages that follow a prompt have in common: its embedding, the noise."""

    def __init__(self, networks: Any, look: Look) -> None:
        self._spec = networks.spec
        self._schedule = networks.schedule
        self._look = look
        self._embed = lru_cache(_CACHED_PROMPTS)(lambda text: networks.embed(text).copy())
        self._refused = not self._knows(look.prompt)
        if self._refused:  # and there is no look before it
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
        """Whether the model does: else it would give back the camera's own picture."""
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

    def __call__(self, frame: Frame) -> None:
        frame.prompt_refused = self._refused
        if frame.inferred:
            latent = self._denoiser(
                frame.buffers.latent,
                self._levels,
                self._noise,
                self._transition.at(frame.now_ns),
                self._look.feedback,
            )
            _refuse_garbage(latent)
            np.copyto(frame.buffers.latent, latent)

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

    def __call__(self, frame: Frame) -> None:
        if frame.inferred:
            self._decode(frame.buffers.latent, self._decoded)
        np.copyto(frame.buffers.styled, self._decoded)


class FusedStage(_Guided):
    """Encode, denoise and decode as one program."""

    def __init__(self, networks: Any, look: Look) -> None:
        super().__init__(networks, look)
        self._paint = networks.stylize
        self._level = self._schedule.single_level(look.strength)
        self._previous = np.zeros(self._spec.latent_shape, np.float32)
        self._has_previous = False
        self._painted = np.zeros((self._spec.height, self._spec.width, 3), np.uint8)

    def __call__(self, frame: Frame) -> None:
        frame.prompt_refused = self._refused
        if frame.inferred:
            latent = self._paint(
                frame.buffers.model_input,
                self._transition.at(frame.now_ns),
                self._noise,
                self._previous,
                self._level,
                self._look.feedback if self._has_previous else 0.0,
                self._painted,
            )
            _refuse_garbage(latent)
            np.copyto(self._previous, latent)
            self._has_previous = True
        np.copyto(frame.buffers.styled, self._painted)

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

    def __call__(self, frame: Frame) -> None:
        self._smoothing(frame.buffers.styled, self._share)

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


def _refuse_garbage(latent: Float) -> None:
    """A latent that is no number would feed back into every picture after it."""
    flat = latent.reshape(-1)
    if not math.isfinite(float(np.dot(flat, flat))):
        raise SdcamError("The model paints values that are no numbers.", "Restarting it.")


def _frames_to_settle(feedback: float) -> int:
    """Frames after which less than one grey level of what was there before is left."""
    return 1 if feedback <= 0 else 1 + math.ceil(math.log(1 / 255) / math.log(feedback))
