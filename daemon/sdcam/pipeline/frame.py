"""A frame on its way through the stages: its facts, and the memory in which its pixels lie.

The facts travel from process to process; a new one is a field here and the stage that sets it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from sdcam.arrays import Float, Pixels
from sdcam.pipeline.look import Look
from sdcam.pipeline.networks import NetworksSpec

MOST_LATENT_CHANNELS: Final = 64  # the family has 4, the embedded model 32


@dataclass
class Frame:
    """The facts of one frame. Stages read and write them; they cross pipes.

    Attributes:
        look: what the user wants to see in this frame.
        now_ns: `time.monotonic_ns()`, the clock of prompt transitions.
        first: the first frame after a gap: nothing of earlier frames may show in it.
        inferred: False once a stage finds that the last result can stand for this frame too.
        prompt_refused: the model has no trained word of the prompt, so the previous prompt stays.
        stage_ns: the time that each stage took, by its name.
    """

    look: Look
    now_ns: int
    first: bool = False
    inferred: bool = True
    prompt_refused: bool = False
    stage_ns: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class FrameBuffers:
    """The pixels of one frame, shared by all of its stages.

    Attributes:
        model_input: the cropped and resized camera frame, RGB (H, W, 3).
        styled: the model's picture, RGB (H, W, 3).
        latent: (1, L, H/8, W/8).
        camera: BGR (h, w, 3) of any size; None after *preprocess*, when its slot is free again.
    """

    model_input: Pixels
    styled: Pixels
    latent: Float
    camera: Pixels | None = None

    @classmethod
    def over(cls, memory: Pixels, spec: NetworksSpec, camera: Pixels | None = None) -> FrameBuffers:
        """Lays the buffers over the first bytes of `memory`, (n,). Copies nothing."""
        shape = (spec.height, spec.width, 3)
        size = math.prod(shape)
        latent = memory[2 * size : 2 * size + 4 * math.prod(spec.latent_shape)].view(np.float32)
        return cls(
            memory[:size].reshape(shape),
            memory[size : 2 * size].reshape(shape),
            latent.reshape(spec.latent_shape),
            camera,
        )

    @classmethod
    def allocate(cls, spec: NetworksSpec, camera: Pixels | None = None) -> FrameBuffers:
        """Buffers of their own, zeroed."""
        memory = np.zeros(frame_buffer_bytes(spec.width, spec.height), np.uint8)
        return cls.over(memory, spec, camera)


def frame_buffer_bytes(width: int, height: int) -> int:
    """Memory for the buffers of any model that paints `width` x `height` pixels."""
    return 2 * width * height * 3 + 4 * MOST_LATENT_CHANNELS * (width // 8) * (height // 8)
