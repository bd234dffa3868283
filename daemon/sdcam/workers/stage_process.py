"""One model process: the daemon's view of it, and what runs in it."""

from __future__ import annotations

import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

from sdcam.engines.openvino_cpu import import_openvino
from sdcam.engines.plan import EnginePlan
from sdcam.errors import MissingError, SdcamError
from sdcam.pipeline.frame import MOST_LATENT_CHANNELS, FrameBuffers
from sdcam.pipeline.img2img import Img2Img
from sdcam.pipeline.look import Look
from sdcam.pipeline.networks import NetworksSpec
from sdcam.workers.child import Child
from sdcam.workers.frame_pool import FrameSlots
from sdcam.workers.records import Answer, InFlightFrame, Ready
from sdcam.workers.restart_policy import RestartPolicy
from sdcam.workers.starvation import Starvation

_LOAD_SECONDS = 180.0  # a big model that is compiled for the first time
_FIRST_ANSWER_SECONDS = 30.0  # a first frame, a new prompt
_ANSWER_SECONDS = 0.8
_HUNG_AFTER_MEDIANS = 8.0  # a process hangs after this many of its median frame times
_REMEMBERED = 31
_NICENESS = 5  # where the CPU runs the model too, the output's pace comes first


@dataclass(frozen=True)
class StageTask:
    """What a model process runs: the stages of `process` in `plan`, beginning with `look`."""

    plan: EnginePlan
    process: str
    look: Look


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
        self.policy = RestartPolicy()
        self.queued = 0  # requests without an answer: one in work, others behind it
        self.begun = 0.0  # `time.monotonic()` when it could begin with the one in work
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
    def median_seconds(self) -> float:
        """Recent time that a frame keeps it busy; 0 before the first."""
        return sorted(self._times)[len(self._times) // 2] if self._times else 0.0

    @property
    def seconds_left(self) -> float:
        """Until it is due to start, or counts as hung; infinite if nothing is awaited."""
        if self.child is None:
            return self.policy.seconds_left
        return self._deadline - time.monotonic()

    def start(self, look: Look) -> None:
        self._look = look
        self._times.clear()
        self.child = self._spawn(look)
        self._deadline = time.monotonic() + _LOAD_SECONDS

    def send(self, flight: InFlightFrame) -> None:
        """Requests may queue in the pipe: the process begins the next one by itself."""
        assert self.child is not None
        if flight.frame.look != self._look:
            self._look = flight.frame.look
            self._patient_until = time.monotonic() + _FIRST_ANSWER_SECONDS
        self.queued += 1
        if self.queued == 1:
            self._begin()
        self.child.send(flight)

    def receive(self) -> Answer | None:
        """The next answer; None for "ready" and for a line of the child's log.

        Raises:
            SdcamError: what went wrong in the process, or that it ended.
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
        assert isinstance(message, Answer)
        if not message.stale:
            self._times.append(time.monotonic() - self.begun)
            self._patient_until = 0.0
        self.policy.works()
        self.queued -= 1
        if self.queued:
            self._begin()
        return message

    def is_starved(self) -> bool:
        """At its deadline: whether other programs keep it from running. It gets more time then."""
        assert self.child is not None
        if not self._starvation.lasts(self.child.pid, _ANSWER_SECONDS):
            return False
        self._deadline = time.monotonic() + _ANSWER_SECONDS
        return True

    def hung(self) -> SdcamError:
        return SdcamError(f"The {self.name} process does not answer.", "Restarting it.")

    def end(self, grace: float = 0.0) -> Child | None:
        """Ends the process. Returns it if it could not be ended: it may still use its memory."""
        child, self.child, self.spec = self.child, None, None
        self.queued = 0
        self._deadline = math.inf
        return None if child is None or child.stop(grace) else child

    def _begin(self) -> None:
        self.begun = time.monotonic()
        patience = max(_ANSWER_SECONDS, _HUNG_AFTER_MEDIANS * self.median_seconds)
        self._deadline = max(self.begun + patience, self._patient_until)


def prestarted_main(pipe: Connection) -> None:
    """A process that starts before the daemon knows what it should run (`workers.prestart`). It
    imports meanwhile, then receives its memory and goes on as `stage_main`."""
    if sys.platform == "linux":
        import_openvino()
    camera, styled = FrameSlots.receive(pipe), FrameSlots.receive(pipe)
    stage_main(pipe, camera, styled)


def stage_main(pipe: Connection, camera: FrameSlots, styled: FrameSlots) -> None:
    """The process: receives a `StageTask`, loads, says that it is ready, answers requests."""
    try:
        task: StageTask = pipe.recv()
        stages = task.plan.processes[task.process]
        if len(task.plan.processes) == 1:
            os.nice(_NICENESS)
        networks = task.plan.open(stages)
        _check_latents(networks.spec)
    except SdcamError as error:
        pipe.send(error)
        return
    try:
        img2img = Img2Img(networks, task.look, stages)
        pipe.send(Ready(networks.spec))
        while True:
            pipe.send(_answer(pipe.recv(), img2img, camera, styled))
    except SdcamError as error:
        pipe.send(error)
    finally:
        networks.close()


def _check_latents(spec: NetworksSpec) -> None:
    if spec.latent_channels > MOST_LATENT_CHANNELS:
        raise MissingError(
            f"The latents of {spec.model} have {spec.latent_channels} channels; there is memory "
            f"for {MOST_LATENT_CHANNELS}.",
            "Use a model of the SDXS, SD-Turbo or Tiny-SD family.",
        )


def _answer(
    flight: InFlightFrame, img2img: Img2Img, camera: FrameSlots, styled: FrameSlots
) -> Answer:
    if time.monotonic_ns() > flight.best_before_ns:
        img2img.skip(flight.frame)
        return Answer(flight.frame, stale=True)
    picture = None
    if img2img.reads_camera:  # for the other processes the slot may hold a later frame already
        size = flight.camera.height, flight.camera.width, 3
        picture = camera.view(flight.camera.slot, size)
    memory = styled.memory(flight.slot)
    img2img.stylize(flight.frame, FrameBuffers.over(memory, img2img.networks.spec, picture))
    return Answer(flight.frame)
