"""How fast a plan runs on this machine: its real processes, fed with every frame they take."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sdcam.engines.plan import LARGEST_FRAME_BUFFERS, EnginePlan
from sdcam.errors import SdcamError
from sdcam.pipeline.look import Look
from sdcam.workers.child import LingeringChildren
from sdcam.workers.frame_pool import FramePool
from sdcam.workers.meters import Distribution, RateMeter
from sdcam.workers.records import CameraFrame, StyledFrame
from sdcam.workers.stage_pipeline import IN_FLIGHT, DropCounters, StagePipeline
from sdcam.workers.wakeup import Wakeup

_log = logging.getLogger("sdcam.model")
_HEIGHT, _WIDTH = 720, 1280
_LOOK = Look("oil")
_WARM_FRAMES = 10  # until the pipeline knows how long its processes take
_POLL_SECONDS = 0.5


@dataclass
class Benchmark:
    """What was measured of a plan."""

    plan: EnginePlan
    styled: RateMeter = field(default_factory=RateMeter)
    latency: Distribution = field(default_factory=Distribution)  # from entry to the styled frame
    stages: dict[str, Distribution] = field(default_factory=dict)

    @property
    def fps(self) -> float:
        return self.styled.average()

    def add(self, styled: StyledFrame) -> None:
        self.styled.tick()
        self.latency.add_ns(time.monotonic_ns() - styled.camera.captured_ns)
        for stage, nanoseconds in styled.frame.stage_ns.items():
            self.stages.setdefault(stage, Distribution()).add_ns(nanoseconds)


def benchmark(
    plan: EnginePlan, seconds: float, keep_going: Callable[[], bool] = lambda: True
) -> Benchmark:
    """Runs the plan for `seconds` after the model has loaded and warmed up.

    Args:
        keep_going: asked all the time; when it says no, what was measured so far counts.

    Raises:
        SdcamError: the plan does not run here.
    """
    with (
        FramePool(IN_FLIGHT, _HEIGHT * _WIDTH * 3) as camera,
        FramePool(IN_FLIGHT, LARGEST_FRAME_BUFFERS) as styled,
    ):
        lingering = LingeringChildren()
        pipeline = StagePipeline(plan, camera, styled, DropCounters(), lingering, _raise)
        wakeup = Wakeup()
        result, frames, until = Benchmark(plan), 0, float("inf")
        try:
            while time.monotonic() < until and keep_going():
                pipeline.supervise(_LOOK)
                if pipeline.seconds_to_entry() == 0.0 and camera.free and styled.free:
                    _send(pipeline, camera, styled)
                entry = pipeline.seconds_to_entry()
                patience = min(
                    _POLL_SECONDS, pipeline.seconds_left, _POLL_SECONDS if entry is None else entry
                )
                for pipe in wakeup.wait(patience, *pipeline.pipes):
                    if (came := pipeline.receive(pipe)) is None:
                        continue
                    styled.give_back(came.slot)
                    frames += 1
                    if frames == _WARM_FRAMES:
                        until = time.monotonic() + seconds
                    elif frames > _WARM_FRAMES:
                        result.add(came)
        finally:
            pipeline.stop()
            wakeup.close()
        return result


def measure(
    plans: Sequence[EnginePlan], seconds: float, keep_going: Callable[[], bool]
) -> dict[str, float]:
    """Styled frames a second of each plan by its label; 0 for one that does not run here.

    Raises:
        SdcamError: none of them runs, or the measurement was interrupted.
    """
    fps: dict[str, float] = {}
    faults: list[SdcamError] = []
    for plan in plans:
        try:
            fps[plan.label] = benchmark(plan, seconds, keep_going).fps
            _log.info("%s: %.1f fps", plan.label, fps[plan.label])
        except SdcamError as fault:
            _log.info("%s does not run here: %s", plan.label, fault)
            faults.append(fault)
            fps[plan.label] = 0.0
    if len(faults) == len(plans):
        raise faults[0]
    if not keep_going():
        raise SdcamError("The measurement was interrupted.", "It is made at the next start.")
    return fps


def _send(pipeline: StagePipeline, camera: FramePool, styled: FramePool) -> None:
    """Sends a frame unlike the last one: an identical frame would not be inferred again."""
    camera_slot, slot = camera.take(), styled.take()
    assert camera_slot is not None
    assert slot is not None
    now = time.monotonic_ns()
    picture = camera.slots.view(camera_slot, (_HEIGHT, _WIDTH, 3))
    picture[_HEIGHT // 2 : _HEIGHT // 2 + 64] = np.uint8((now // 10**6) % 251)
    pipeline.enter(CameraFrame(camera_slot, 0, now, _WIDTH, _HEIGHT), slot, _LOOK)


def _raise(fault: SdcamError) -> None:
    raise fault
