"""Camera frame in, styled frame out: all stages of img2img on one model, or a part of them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sdcam.pipeline.frame import Frame, FrameBuffers
from sdcam.pipeline.look import Look
from sdcam.pipeline.networks import FusedNetworks, Networks
from sdcam.pipeline.stages import BUILDERS, STAGES


class Img2Img:
    """
    Args:
        networks: the loaded model, at least the networks that these stages need.
        look: the first look; its prompt applies at once, without a transition.
        stages: names in the order of `STAGES` or `FUSED_STAGES`.

    Raises:
        UnknownPromptError: the model has no trained word of the first prompt.
    """

    def __init__(
        self, networks: Networks | FusedNetworks, look: Look, stages: Sequence[str] = STAGES
    ) -> None:
        self.networks = networks
        self._look = look
        self._stages = {name: BUILDERS[name](networks, look) for name in stages}

    @property
    def reads_camera(self) -> bool:
        """Whether *preprocess*, the only stage that reads the camera frame, runs here."""
        return "preprocess" in self._stages

    def stylize(self, frame: Frame, buffers: FrameBuffers) -> None:
        """Runs the stages on one frame, in place. Frames come in order.

        Args:
            frame: its look and `first` are obeyed; results are written into it.
            buffers: what earlier stages left; holds what these stages leave.

        Raises:
            SdcamError: the model produced NaN or infinite values.
        """
        self.skip(frame)
        if frame.look != self._look:
            old, self._look = self._look, frame.look
            for stage in self._stages.values():
                stage.apply_look(old, frame.look, frame.now_ns)
        for name, stage in self._stages.items():
            start = time.perf_counter_ns()
            stage(frame, buffers)
            frame.stage_ns[name] = time.perf_counter_ns() - start

    def skip(self, frame: Frame) -> None:
        """Notes a frame that is given up, so that a gap that it opens is not missed."""
        if frame.first:
            for stage in self._stages.values():
                stage.reset()
