"""How fast a plan runs on this machine: its real processes, fed with all frames that they take."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sdcam.engines.plan import LARGEST_FRAME_BUFFERS, EnginePlan
from sdcam.errors import SdcamError
from sdcam.pipeline.look import Look
from sdcam.workers.chain import IN_FLIGHT, Chain, Tally
from sdcam.workers.frame_pool import FramePool, FrameSlots
from sdcam.workers.meters import Distribution, RateMeter
from sdcam.workers.records import CameraFrame, StyledFrame
from sdcam.workers.wakeup import Wakeup

_log = logging.getLogger("sdcam.model")
_HEIGHT, _WIDTH = 720, 1280
_LOOK = Look("oil")
_WARM_FRAMES = 10  # until the chain knows how long its processes take
_POLL_SECONDS = 0.5


@dataclass
class Trial:
    """What came of it."""

    plan: EnginePlan
    painted: RateMeter = field(default_factory=RateMeter)
    latency: Distribution = field(default_factory=Distribution)  # from setting out to painted
    stages: dict[str, Distribution] = field(default_factory=dict)

    @property
    def fps(self) -> float:
        return self.painted.average()

    def add(self, styled: StyledFrame) -> None:
        self.painted.tick()
        self.latency.add_ns(time.monotonic_ns() - styled.captured_ns)
        for stage, nanoseconds in styled.stage_ns.items():
            self.stages.setdefault(stage, Distribution()).add_ns(nanoseconds)


def try_plan(plan: EnginePlan, seconds: float, go_on: Callable[[], bool] = lambda: True) -> Trial:
    """Paints for `seconds`, after as long as the model takes to load.

    Args:
        go_on: asked all the time; once it says no, what was measured so far counts.

    Raises:
        SdcamError: the plan does not run here.
    """
    camera = FramePool(FrameSlots.allocate(IN_FLIGHT, _HEIGHT * _WIDTH * 3))
    styled = FramePool(FrameSlots.allocate(IN_FLIGHT, LARGEST_FRAME_BUFFERS))
    chain = Chain(plan, camera, styled, Tally(), _raise)
    wakeup = Wakeup()
    trial, warm, until = Trial(plan), 0, float("inf")
    try:
        while time.monotonic() < until and go_on():
            chain.tend(_LOOK)
            if chain.seconds_to_entry() == 0.0 and camera.free and styled.free:
                _send(chain, camera, styled)
            entry = chain.seconds_to_entry()
            patience = min(
                _POLL_SECONDS, chain.seconds_left, _POLL_SECONDS if entry is None else entry
            )
            for pipe in wakeup.wait(patience, *chain.pipes):
                if (came := chain.receive(pipe)) is None:
                    continue
                styled.give_back(came.slot)
                warm += 1
                if warm == _WARM_FRAMES:
                    until = time.monotonic() + seconds
                elif warm > _WARM_FRAMES:
                    trial.add(came)
    finally:
        chain.stop()
        wakeup.close()
    return trial


def measure(
    plans: Sequence[EnginePlan], seconds: float, go_on: Callable[[], bool]
) -> dict[str, float]:
    """Styled frames a second of each plan by its label, 0 for one that does not run here.

    Raises:
        SdcamError: none of them runs, or it was interrupted.
    """
    fps: dict[str, float] = {}
    faults: list[SdcamError] = []
    for plan in plans:
        try:
            fps[plan.label] = try_plan(plan, seconds, go_on).fps
            _log.info("%s: %.1f fps", plan.label, fps[plan.label])
        except SdcamError as fault:
            _log.info("%s does not run here: %s", plan.label, fault)
            faults.append(fault)
            fps[plan.label] = 0.0
    if len(faults) == len(plans):
        raise faults[0]
    if not go_on():
        raise SdcamError("The measurement was interrupted.", "It is made at the next start.")
    return fps


def _send(chain: Chain, camera: FramePool, styled: FramePool) -> None:
    """A frame unlike the last one, which would not be painted again."""
    camera_slot, slot = camera.take(), styled.take()
    assert camera_slot is not None
    assert slot is not None
    now = time.monotonic_ns()
    picture = camera.slots.view(camera_slot, (_HEIGHT, _WIDTH, 3))
    picture[_HEIGHT // 2 : _HEIGHT // 2 + 64] = np.uint8((now // 10**6) % 251)
    chain.enter(CameraFrame(camera_slot, 0, now, _WIDTH, _HEIGHT), slot, _LOOK)


def _raise(fault: SdcamError) -> None:
    raise fault
