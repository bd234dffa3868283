"""The model process and the thread that hands it frames. Newest frame wins."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

from sdcam.engines.render_size import SQUARE, auto_size
from sdcam.errors import SdcamError
from sdcam.pipeline.img2img import Conditioning, Img2Img
from sdcam.pipeline.networks import NetworksSpec
from sdcam.workers.child import Child
from sdcam.workers.frame_pool import FramePool, FrameSlots
from sdcam.workers.meters import Distribution, RateMeter
from sdcam.workers.records import CameraFrame, PaintRequest, Ready, Reset, StyledFrame
from sdcam.workers.worker import FaultReport, ProcessWorker

_LOAD_SECONDS = 180.0  # a big model that is compiled for the first time
_FIRST_ANSWER_SECONDS = 30.0
_ANSWER_SECONDS = 1.0
_NICENESS = 5  # where the CPU paints too, the output's pace goes before the model's
_TIMES_THE_MEDIAN = 8.0  # a slow machine is given this many frame times before it counts as hung


@dataclass(frozen=True)
class ModelSpec:
    """What to load: model name or folder, engine, (width, height) of the picture in pixels or None
    for whatever suits the model."""

    name: str
    engine: str
    size: tuple[int, int] | None

    @property
    def slot_bytes(self) -> int:
        """Of styled memory: the picture that the model saw and the one that it painted."""
        width, height = self.size or SQUARE
        return 2 * width * height * 3


class InferenceWorker(ProcessWorker):
    """
    Args:
        model: what to load.
        conditioning: the look to begin with.
        camera, styled: memory that frames come from and go to.
        deliver: gets every styled frame; who gets it gives the slot back.
    """

    def __init__(
        self,
        model: ModelSpec,
        conditioning: Conditioning,
        camera: FramePool,
        styled: FramePool,
        deliver: Callable[[StyledFrame], None],
        on_fault: FaultReport,
    ) -> None:
        super().__init__("model", on_fault)
        self.model = model
        self.spec: NetworksSpec | None = None
        self.inferred = RateMeter()
        self.reused = 0
        self.skipped = 0
        self.dropped = 0
        self.stages: dict[str, Distribution] = {}
        self._conditioning = conditioning
        self._camera = camera
        self._styled = styled
        self._deliver = deliver
        self._lock = threading.Lock()
        self._pending: CameraFrame | None = None
        self._reset = False
        self._request: PaintRequest | None = None
        self._turnaround = Distribution(keep=64)

    def offer(self, frame: CameraFrame) -> None:
        """A camera frame; the one that still waits, if any, is skipped."""
        with self._lock:
            passed_over, self._pending = self._pending, frame
            if passed_over is not None:
                self.skipped += 1
                self._camera.give_back(passed_over.slot)
        self._wakeup.ring()

    def condition(self, conditioning: Conditioning) -> None:
        """A new look, in force from the next frame on."""
        self._conditioning = conditioning
        self._wakeup.ring()

    def reset(self) -> None:
        """The next frame does not follow the last one (pause, another camera)."""
        with self._lock:
            self._reset = True
            if self._pending is not None:
                self._camera.give_back(self._pending.slot)
                self._pending = None

    def _spawn(self) -> Child:
        return Child(
            "model",
            model_main,
            self._camera.slots,
            self._styled.slots,
            self.model,
            self._conditioning,
        )

    def _serve(self, child: Child) -> None:
        sent = self._conditioning
        asked = time.monotonic()
        patience = _LOAD_SECONDS
        ready = False
        while self._active:
            if self._conditioning is not sent:
                sent = self._conditioning
                child.send(sent)
            if ready and self._request is None and self._ask(child):
                asked = time.monotonic()
            waiting = self._request is not None or not ready
            left = asked + patience - time.monotonic() if waiting else 60.0
            if child.pipe not in self._wakeup.wait(left, child.pipe):
                if waiting and time.monotonic() >= asked + patience:
                    raise SdcamError("The model process does not answer.", "Restarting it.")
                continue
            message = child.pipe.recv()
            if isinstance(message, SdcamError):
                raise message
            if isinstance(message, Ready):
                self.spec = message.spec
                ready, patience = True, _FIRST_ANSWER_SECONDS
                self._log.info(
                    "model ready: %s on %s, %dx%d",
                    message.spec.model,
                    message.spec.runtime,
                    message.spec.width,
                    message.spec.height,
                )
            elif isinstance(message, StyledFrame):
                self._turnaround.add_ns(round((time.monotonic() - asked) * 1e9))
                median = self._turnaround.percentiles(50)[0] / 1e3
                patience = max(_ANSWER_SECONDS, _TIMES_THE_MEDIAN * median)
                self._take(message)

    def _ask(self, child: Child) -> bool:
        with self._lock:
            if self._pending is None:
                return False
            styled_slot = self._styled.take()
            if styled_slot is None:
                return False
            frame, self._pending = self._pending, None
            reset, self._reset = self._reset, False
        self._request = PaintRequest(frame, styled_slot)
        if reset:
            child.send(Reset())
        child.send(self._request)
        return True

    def _take(self, styled: StyledFrame) -> None:
        request, self._request = self._request, None
        assert request is not None
        self._camera.give_back(request.frame.slot)
        if styled.inferred:
            self.inferred.tick()
            for stage, nanoseconds in styled.stage_ns.items():
                self.stages.setdefault(stage, Distribution()).add_ns(nanoseconds)
        else:
            self.reused += 1
        self._works()
        self._deliver(styled)

    def _reclaim(self) -> None:
        if self._request is not None:
            self.dropped += self._active  # at the end of a run nothing failed
            self._camera.give_back(self._request.frame.slot)
            self._styled.give_back(self._request.styled_slot)
            self._request = None


def model_main(
    pipe: Connection,
    camera: FrameSlots,
    styled: FrameSlots,
    model: ModelSpec,
    conditioning: Conditioning,
) -> None:
    """The model process: loads, says that it is ready, paints what it is asked to."""
    from sdcam.engines import open_engine
    from sdcam.models import find_model

    os.nice(_NICENESS)
    try:
        folder = find_model(model.name)
        size = model.size or auto_size(
            folder, model.engine, lambda size: open_engine(model.engine, folder, size)
        )
        networks = open_engine(model.engine, folder, size)
    except SdcamError as error:
        pipe.send(error)
        return
    try:
        img2img = Img2Img(networks, conditioning)
        pipe.send(Ready(networks.spec))
        while True:
            _obey(pipe, pipe.recv(), img2img, camera, styled)
    finally:
        networks.close()


def _obey(
    pipe: Connection, message: object, img2img: Img2Img, camera: FrameSlots, styled: FrameSlots
) -> None:
    now = time.monotonic_ns()
    if isinstance(message, Conditioning):
        img2img.condition(message, now)
    elif isinstance(message, Reset):
        img2img.reset()
    elif isinstance(message, PaintRequest):
        frame, spec = message.frame, img2img.networks.spec
        shape = (spec.height, spec.width, 3)
        picture = camera.view(frame.slot, (frame.height, frame.width, 3))
        seen = styled.view(message.styled_slot, shape)
        out = styled.view(message.styled_slot, shape, offset=seen.size)
        painted = img2img.paint(picture, now, seen, out)
        pipe.send(
            StyledFrame(
                message.styled_slot,
                frame.sequence,
                frame.captured_ns,
                time.monotonic_ns(),
                spec.width,
                spec.height,
                painted.inferred,
                painted.stage_ns,
            )
        )
