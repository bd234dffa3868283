"""The thread that hands camera frames to the model's processes. Newest frame wins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from sdcam.engines.choice import plan_engine
from sdcam.engines.plan import EnginePlan, ModelSpec
from sdcam.errors import SdcamError
from sdcam.pipeline.look import Look, unknown_prompt
from sdcam.pipeline.networks import NetworksSpec
from sdcam.workers.chain import Chain, Tally
from sdcam.workers.frame_pool import FramePool
from sdcam.workers.meters import Distribution, RateMeter
from sdcam.workers.records import CameraFrame, StyledFrame
from sdcam.workers.trial import measure
from sdcam.workers.worker import Backoff, FaultReport, Worker

_NOTHING_TO_DO_SECONDS = 60.0
_TRIAL_SECONDS = 3.0


class InferenceWorker(Worker):
    """
    Args:
        model: what to run.
        look: the look to begin with.
        camera, styled: memory that frames come from and are painted in.
        deliver: gets every styled frame; who gets it gives the slot back.
        on_prompt: told of a prompt that the model does not know; the one before it goes on. None
            when another one is wanted.
    """

    def __init__(
        self,
        model: ModelSpec,
        look: Look,
        camera: FramePool,
        styled: FramePool,
        deliver: Callable[[StyledFrame], None],
        on_fault: FaultReport,
        on_prompt: FaultReport,
    ) -> None:
        super().__init__("model", on_fault)
        self.model = model
        self.spec: NetworksSpec | None = None
        self.inferred = RateMeter()
        self.reused = 0
        self.stages: dict[str, Distribution] = {}
        self._look = look
        self._known_prompt = look.prompt
        self._refused_prompt: str | None = None
        self._on_prompt = on_prompt
        self._camera = camera
        self._styled = styled
        self._deliver = deliver
        self._lock = threading.Lock()
        self._pending: CameraFrame | None = None
        self._reset = False
        self._passed_over = 0
        self._tally = Tally()
        self._chain: Chain | None = None
        self._backoff = Backoff()

    @property
    def skipped(self) -> int:
        """Frames that a newer one was preferred to."""
        return self._passed_over + self._tally.stale

    @property
    def dropped(self) -> int:
        """Frames that were on their way when a process failed."""
        return self._tally.dropped

    @property
    def restarts(self) -> int:
        return self._tally.restarts

    @property
    def pids(self) -> dict[str, int]:
        """Of its processes, by name."""
        chain = self._chain
        if chain is None:
            return {}
        children = [(process.name, process.child) for process in chain.processes]
        return {name: child.pid for name, child in children if child is not None}

    @property
    def prompt(self) -> str:
        """Of the newest styled frame; once it is another one's, the model knows that."""
        return self._known_prompt

    def offer(self, frame: CameraFrame) -> None:
        """A camera frame; the one that still waits, if any, is skipped."""
        with self._lock:
            passed_over, self._pending = self._pending, frame
            if passed_over is not None:
                self._passed_over += 1
                self._camera.give_back(passed_over.slot)
        self._wakeup.ring()

    def apply_look(self, look: Look) -> None:
        """A new look, in force from the next frame on."""
        with self._lock:
            refused = self._refused_prompt
            if look.prompt == refused:  # still; something else has changed
                look = replace(look, prompt=self._known_prompt)
            else:
                self._refused_prompt = None
            self._look = look
        if refused is not None and self._refused_prompt is None:
            self._on_prompt(None)
        self._mention_steps()

    def reload(self, model: ModelSpec) -> None:
        """Another model, or another engine for it: its processes are started anew."""
        self._backoff.forget()
        self.model = model
        with self._lock:  # which may know a prompt that the last one did not
            refused, self._refused_prompt = self._refused_prompt, None
            if refused is not None:
                self._look = replace(self._look, prompt=refused)
        if refused is not None:
            self._on_prompt(None)
        self._wakeup.ring()

    def reset(self) -> None:
        """The next frame does not follow the last one (pause, another camera)."""
        with self._lock:
            self._reset = True
            if self._pending is not None:
                self._passed_over += 1
                self._camera.give_back(self._pending.slot)
                self._pending = None

    def _work(self) -> None:
        self._rest(self._backoff)
        if not self._active:
            return
        model = self.model
        try:
            plan = plan_engine(model, self._measure)
            pools = self._camera, self._styled
            self._run_chain(Chain(plan, *pools, self._tally, self._fault), model)
        except SdcamError as fault:
            self._backoff.failed(fault)
            self._fault(fault)
            self._tally.restarts += 1

    def _measure(self, plans: Sequence[EnginePlan]) -> dict[str, float]:
        self._log.info("measuring %d ways to run the model, once", len(plans))
        return measure(plans, _TRIAL_SECONDS, lambda: self._active)

    def _run_chain(self, chain: Chain, model: ModelSpec) -> None:
        self._chain = chain
        try:
            while self._active and model is self.model:
                chain.tend(self._look)
                self._enter(chain)
                for pipe in self._wakeup.wait(self._seconds_left(chain), *chain.pipes):
                    if styled := chain.receive(pipe):
                        self._take(styled)
                self._announce(chain)
        finally:
            self._chain = None
            if self._active:  # at the end of a run nothing failed
                self._tally.dropped += chain.on_their_way
            chain.stop()

    def _enter(self, chain: Chain) -> None:
        if chain.seconds_to_entry() != 0.0:
            return
        with self._lock:
            if self._pending is None or (slot := self._styled.take()) is None:
                return
            frame, self._pending = self._pending, None
            if self._reset:
                chain.start_afresh()
            self._reset = False
        chain.enter(frame, slot, self._look)

    def _seconds_left(self, chain: Chain) -> float:
        waits = self._pending is not None and self._styled.free > 0
        entry = chain.seconds_to_entry() if waits else None
        return min(chain.seconds_left, _NOTHING_TO_DO_SECONDS if entry is None else entry)

    def _take(self, styled: StyledFrame) -> None:
        if styled.inferred:
            self.inferred.tick()
            for stage, nanoseconds in styled.stage_ns.items():
                self.stages.setdefault(stage, Distribution()).add_ns(nanoseconds)
        else:
            self.reused += 1
        self._backoff.works()
        self._on_fault(None)
        self._heed_prompt(styled)
        self._deliver(styled)

    def _heed_prompt(self, styled: StyledFrame) -> None:
        with self._lock:
            if not styled.prompt_refused:
                self._known_prompt = styled.prompt
                return
            if styled.prompt != self._look.prompt:  # not wanted any more
                return
            self._refused_prompt = styled.prompt
            self._look = replace(self._look, prompt=self._known_prompt)
        self._on_prompt(unknown_prompt(styled.spec.model, styled.prompt))

    def _announce(self, chain: Chain) -> None:
        if chain.ready and self._pending is None and not chain.on_their_way:
            self._on_fault(None)  # no frame will tell (pause); else the first one does
        if chain.ready and self.spec is not chain.processes[-1].spec:
            self.spec = spec = chain.processes[-1].spec
            assert spec is not None
            self._log.info(
                "model ready: %s on %s, %dx%d", spec.model, spec.runtime, spec.width, spec.height
            )
            self._mention_steps()

    def _mention_steps(self) -> None:
        chain, steps = self._chain, self._look.steps
        if chain is not None and "fused" in chain.plan.processes and steps > 1:
            self._log.warning(
                "look.steps is %d; the fused layout takes 1, the staged one more", steps
            )

    def _fault(self, fault: SdcamError) -> None:
        if self._active:
            self._on_fault(fault)
