"""The thread that feeds camera frames to the model processes. The newest frame wins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from sdcam.engines.choice import plan_engine
from sdcam.engines.plan import EnginePlan, ModelSpec
from sdcam.errors import SdcamError
from sdcam.pipeline.look import Look
from sdcam.pipeline.networks import NetworksSpec
from sdcam.workers.benchmark import measure
from sdcam.workers.child import Child
from sdcam.workers.frame_pool import FramePool
from sdcam.workers.meters import Distribution, RateMeter
from sdcam.workers.records import CameraFrame, StyledFrame
from sdcam.workers.stage_pipeline import DropCounters, StagePipeline
from sdcam.workers.worker import FaultReport, Worker

_NOTHING_TO_DO_SECONDS = 60.0
_BENCHMARK_SECONDS = 3.0


class InferenceWorker(Worker):
    """
    Attributes:
        look: what the next frames show; the service decides it.
        spec: of the model that is loaded, or was last.

    Args:
        model: what to run.
        camera, styled: memory that frames come from and are painted in.
        deliver: gets every styled frame and gives its slot back in the end.
        spare: a model process that was started early, without a task.
    """

    def __init__(
        self,
        model: ModelSpec,
        look: Look,
        camera: FramePool,
        styled: FramePool,
        deliver: Callable[[StyledFrame], None],
        on_fault: FaultReport,
        spare: Child | None = None,
    ) -> None:
        super().__init__("model", on_fault)
        self.model = model
        self.look = look
        self.spec: NetworksSpec | None = None
        self.inferred = RateMeter()
        self.reused = 0
        self.stages: dict[str, Distribution] = {}
        self._camera = camera
        self._styled = styled
        self._deliver = deliver
        self._spare = spare
        self._lock = threading.Lock()
        self._pending: CameraFrame | None = None
        self._skipped = 0
        self._counters = DropCounters()
        self._pipeline: StagePipeline | None = None
        self._warned_of: Look | None = None

    @property
    def skipped(self) -> int:
        """Frames that were given up for a newer one."""
        return self._skipped + self._counters.stale

    @property
    def dropped(self) -> int:
        """Frames that were in flight when a process failed."""
        return self._counters.dropped

    @property
    def all_restarts(self) -> int:
        """Of the whole pipeline and of single processes."""
        return self.restarts + self._counters.restarts

    @property
    def pids(self) -> dict[str, int]:
        """Of the model processes, by name."""
        pipeline = self._pipeline
        if pipeline is None:
            return {}
        children = [(process.name, process.child) for process in pipeline.processes]
        return {name: child.pid for name, child in children if child is not None}

    def offer(self, frame: CameraFrame) -> None:
        """A camera frame. Replaces the one that still waits, which is then skipped."""
        with self._lock:
            skipped, self._pending = self._pending, frame
            if skipped is not None:
                self._skipped += 1
                self._camera.give_back(skipped.slot)
                if skipped.first:
                    self._pending = replace(frame, first=True)
        self._wakeup.ring()

    def reload(self, model: ModelSpec) -> None:
        """Another model, or another engine for it: starts new processes."""
        self.policy.forget()
        self.model = model
        self._wakeup.ring()

    def retry_now(self) -> None:
        super().retry_now()
        if (pipeline := self._pipeline) is not None:
            pipeline.retry_now()
            self._wakeup.ring()

    def stop(self, seconds: float = 5.0) -> bool:
        ended = super().stop(seconds)
        if self._spare is not None:
            self._spare.stop(0.0)
        return ended

    def _work(self) -> None:
        model = self.model
        plan = plan_engine(model, self._measure)
        spare, self._spare = self._spare, None
        pools = self._camera, self._styled
        pipeline = StagePipeline(
            plan, *pools, self._counters, self._lingering, self._process_failed, spare
        )
        self._pipeline = pipeline
        try:
            while self._active and model is self.model:
                pipeline.supervise(self.look)
                self._enter(pipeline)
                for pipe in self._wakeup.wait(self._seconds_left(pipeline), *pipeline.pipes):
                    if styled := pipeline.receive(pipe):
                        self._finish(styled)
                self._announce(pipeline)
        finally:
            self._pipeline = None
            if self._active:  # at the end of a run nothing failed
                self._counters.dropped += pipeline.in_flight
            pipeline.stop()

    def _measure(self, plans: Sequence[EnginePlan]) -> dict[str, float]:
        self._log.info("measuring %d ways to run the model, once", len(plans))
        return measure(plans, _BENCHMARK_SECONDS, lambda: self._active)

    def _enter(self, pipeline: StagePipeline) -> None:
        if pipeline.seconds_to_entry() != 0.0:
            return
        with self._lock:
            if self._pending is None or (slot := self._styled.take()) is None:
                return
            frame, self._pending = self._pending, None
        pipeline.enter(frame, slot, self.look)
        self._warn_of_steps(pipeline)

    def _seconds_left(self, pipeline: StagePipeline) -> float:
        waiting = self._pending is not None and self._styled.free > 0
        entry = pipeline.seconds_to_entry() if waiting else None
        return min(pipeline.seconds_left, _NOTHING_TO_DO_SECONDS if entry is None else entry)

    def _finish(self, styled: StyledFrame) -> None:
        if styled.frame.inferred:
            self.inferred.tick()
            for stage, nanoseconds in styled.frame.stage_ns.items():
                self.stages.setdefault(stage, Distribution()).add_ns(nanoseconds)
        else:
            self.reused += 1
        self.policy.works()
        self._on_fault(None)
        self._deliver(styled)

    def _announce(self, pipeline: StagePipeline) -> None:
        if not pipeline.ready:
            return
        if self._pending is None and not pipeline.in_flight:
            self._on_fault(None)  # in a pause no frame shows that the model works again
        if self.spec is not pipeline.processes[-1].spec:
            self.spec = spec = pipeline.processes[-1].spec
            assert spec is not None
            self._log.info(
                "model ready: %s on %s, %dx%d", spec.model, spec.runtime, spec.width, spec.height
            )

    def _warn_of_steps(self, pipeline: StagePipeline) -> None:
        look = self.look
        if look.steps > 1 and "fused" in pipeline.plan.processes and look != self._warned_of:
            self._warned_of = look
            self._log.warning(
                "look.steps is %d: the fused layout runs 1 step, the staged layout runs more",
                look.steps,
            )

    def _process_failed(self, fault: SdcamError) -> None:
        if self._active:
            self._on_fault(fault)
