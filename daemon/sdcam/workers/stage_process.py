"""One process of the model: what the daemon knows of it, and what runs in it."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection

from sdcam.engines.plan import EnginePlan
from sdcam.errors import MissingError, SdcamError
from sdcam.pipeline.img2img import Img2Img
from sdcam.pipeline.look import Look
from sdcam.pipeline.networks import NetworksSpec
from sdcam.pipeline.stages import MOST_LATENT_CHANNELS, FrameBuffers
from sdcam.workers.child import Child
from sdcam.workers.frame_pool import FrameSlots
from sdcam.workers.records import PaintRequest, Ready, StagesDone
from sdcam.workers.starvation import Starvation
from sdcam.workers.worker import Backoff

_LOAD_SECONDS = 180.0  # a big model that is compiled for the first time
_FIRST_ANSWER_SECONDS = 30.0  # a first frame, a new prompt
_ANSWER_SECONDS = 0.8
_TIMES_THE_USUAL = 8.0  # a slow machine is given this many frame times before it counts as hung
_REMEMBERED = 31
_NICENESS = 5  # where the CPU paints too, the output's pace goes before the model's


class StageProcess:
    """
    Args:
        name: what messages call it: "model", "encode", ...
        spawn: starts it with a look.
    """

    def __init__(self, name: str, spawn: Callable[[Look], Child]) -> None:
        self.name = name
        self.child: Child | None = None
        self.spec: NetworksSpec | None = None  # known while it is ready
        self.backoff = Backoff()
        self.asked = 0  # requests without an answer yet: one in work, others behind it
        self.begun = 0.0  # when it could begin with the one in work
        self._spawn = spawn
        self._starvation = Starvation()
        self._deadline = math.inf
        self._patient_until = 0.0  # a first frame and a new prompt take their time
        self._look: Look | None = None
        self._times: deque[float] = deque(maxlen=_REMEMBERED)

    @property
    def ready(self) -> bool:
        return self.spec is not None

    @property
    def usual_seconds(self) -> float:
        """That a frame keeps it busy, the median of late; 0 before the first."""
        return sorted(self._times)[len(self._times) // 2] if self._times else 0.0

    @property
    def seconds_left(self) -> float:
        """Until it is started again, or until it counts as hung; infinite if nothing is awaited."""
        return (
            self.backoff.seconds_left if self.child is None else self._deadline - time.monotonic()
        )

    def start(self, look: Look) -> None:
        self._look = look
        self._times.clear()
        self.child = self._spawn(look)
        self._deadline = time.monotonic() + _LOAD_SECONDS

    def ask(self, request: PaintRequest) -> None:
        """Requests may queue up: the next one is begun without a word from here."""
        assert self.child is not None
        if request.look != self._look:
            self._look = request.look
            self._patient_until = time.monotonic() + _FIRST_ANSWER_SECONDS
        self.asked += 1
        if self.asked == 1:
            self._begin()
        self.child.send(request)

    def receive(self) -> StagesDone | None:
        """What the pipe holds; None for the word that it is ready, and for a line of its log.

        Raises:
            SdcamError: what went wrong in it, its end included.
        """
        assert self.child is not None
        try:
            message = self.child.receive()
        except (EOFError, ConnectionResetError, BrokenPipeError):
            raise self.child.fault() from None
        if message is None:
            return None
        self._deadline = math.inf
        self._starvation.ends()
        if isinstance(message, Ready):
            self.spec = message.spec
            self._patient_until = time.monotonic() + _FIRST_ANSWER_SECONDS
            return None
        if isinstance(message, SdcamError):
            raise message
        assert isinstance(message, StagesDone)
        if not message.stale:
            self._times.append(time.monotonic() - self.begun)
            self._patient_until = 0.0
        self.backoff.works()
        self.asked -= 1
        if self.asked:
            self._begin()
        return message

    def is_starved(self) -> bool:
        """At its deadline: whether others keep it from working. It is given more time then."""
        assert self.child is not None
        if not self._starvation.lasts(self.child.pid, _ANSWER_SECONDS):
            return False
        self._deadline = time.monotonic() + _ANSWER_SECONDS
        return True

    def hung(self) -> SdcamError:
        return SdcamError(f"The {self.name} process does not answer.", "Restarting it.")

    def end(self, grace: float = 0.0) -> None:
        """It is gone when this returns, and touches no memory any more."""
        child, self.child, self.spec = self.child, None, None
        self.asked = 0
        self._deadline = math.inf
        if child is not None:
            child.stop(grace)

    def _begin(self) -> None:
        self.begun = time.monotonic()
        patience = max(_ANSWER_SECONDS, _TIMES_THE_USUAL * self.usual_seconds)
        self._deadline = max(self.begun + patience, self._patient_until)


def stage_main(
    pipe: Connection,
    camera: FrameSlots,
    styled: FrameSlots,
    plan: EnginePlan,
    name: str,
    look: Look,
) -> None:
    """The process: loads, says that it is ready, runs its stages on the frames it is given."""
    stages = plan.processes[name]
    try:
        if len(plan.processes) == 1:
            os.nice(_NICENESS)
        networks = plan.open(stages)
        _refuse_large_latents(networks.spec)
    except SdcamError as error:
        pipe.send(error)
        return
    try:
        img2img = Img2Img(networks, look, stages)
        pipe.send(Ready(networks.spec))
        while True:
            pipe.send(_paint(pipe.recv(), img2img, camera, styled))
    except SdcamError as error:
        pipe.send(error)
    finally:
        networks.close()


def _refuse_large_latents(spec: NetworksSpec) -> None:
    if spec.latent_channels > MOST_LATENT_CHANNELS:
        raise MissingError(
            f"The latents of {spec.model} have {spec.latent_channels} channels, and there is "
            f"memory for {MOST_LATENT_CHANNELS}.",
            "Take a model of the SDXS, SD-Turbo or Tiny-SD family.",
        )


def _paint(
    request: PaintRequest, img2img: Img2Img, camera: FrameSlots, styled: FrameSlots
) -> StagesDone:
    if request.fresh:
        img2img.reset()
    if time.monotonic_ns() > request.best_before_ns:
        return StagesDone(stale=True)
    if request.look != img2img.look:
        img2img.apply_look(request.look, request.now_ns)
    frame, picture = request.frame, None
    if img2img.sees_camera:  # to the others the slot is gone: it may hold a later frame
        picture = camera.view(frame.slot, (frame.height, frame.width, 3))
    buffers = FrameBuffers.over(styled.memory(request.slot), img2img.networks.spec)
    painted = img2img.stylize(picture, request.now_ns, buffers, request.inferred)
    return StagesDone(
        painted.inferred, stage_ns=painted.stage_ns, prompt_refused=painted.prompt_refused
    )
