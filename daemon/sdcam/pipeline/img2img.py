"""Camera frame in, styled frame out: the whole of img2img on one model, or a part of its stages."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sdcam.pipeline.look import Look
from sdcam.pipeline.networks import FusedNetworks, Networks
from sdcam.pipeline.stages import BUILDERS, STAGES, Frame, FrameBuffers, Pixels


@dataclass(frozen=True)
class Painted:
    """What became of a frame: whether the model ran, the time of each stage, and whether the model
    knows the prompt; if not, the one before it counts."""

    inferred: bool
    stage_ns: dict[str, int]
    prompt_refused: bool = False


class Img2Img:
    """
    Args:
        networks: the model, loaded, as far as the stages need it.
        look: the first look; the first prompt is shown at once, without a transition.
            The model has to know it (UsageError).
        stages: names in the order of `STAGES` or `FUSED_STAGES`; all of them, or those that this
            process runs.
    """

    def __init__(
        self,
        networks: Networks | FusedNetworks,
        look: Look,
        stages: Sequence[str] = STAGES,
    ) -> None:
        self.networks = networks
        self._look = look
        self._stages = {name: BUILDERS[name](networks, look) for name in stages}

    @property
    def look(self) -> Look:
        return self._look

    @property
    def sees_camera(self) -> bool:
        """Whether the stage *preprocess* is among these: no other one looks at the camera."""
        return "preprocess" in self._stages

    def apply_look(self, wanted: Look, now_ns: int) -> None:
        """Takes a new look into force with the next frame."""
        old, self._look = self._look, wanted
        for stage in self._stages.values():
            stage.apply_look(old, wanted, now_ns)

    def stylize(
        self, camera: Pixels | None, now_ns: int, buffers: FrameBuffers, inferred: bool = True
    ) -> Painted:
        """
        Args:
            camera: BGR frame (h, w, 3) of any size; None where *preprocess* has run already.
            now_ns: `time.monotonic_ns()`, the clock of prompt transitions.
            buffers: what earlier stages left, and what these ones leave.
            inferred: what the stage *preprocess* has found, where that has run.

        Raises:
            SdcamError: the model gives values that are no numbers.
        """
        frame = Frame(camera, now_ns, buffers, inferred)
        spent = {}
        for name, stage in self._stages.items():
            start = time.perf_counter_ns()
            stage(frame)
            spent[name] = time.perf_counter_ns() - start
        return Painted(frame.inferred, spent, frame.prompt_refused)

    def reset(self) -> None:
        """After a gap: nothing of the frames before it shows in the next one."""
        for stage in self._stages.values():
            stage.reset()
