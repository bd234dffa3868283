"""The model processes as a pipeline: several frames in flight, in order, each just in time.

A frame enters so that every process is free when the frame reaches it: the result is as fresh as it
can be, and the slowest process is never idle. A process that fails is replaced alone; the frames in
flight are dropped and counted, and the next one is the first after a gap.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

from sdcam.engines.plan import EnginePlan
from sdcam.errors import MissingError, SdcamError, UsageError
from sdcam.pipeline.frame import Frame
from sdcam.pipeline.look import Look
from sdcam.workers.child import Child, LingeringChildren
from sdcam.workers.frame_pool import FramePool
from sdcam.workers.records import Answer, CameraFrame, FlightState, InFlightFrame, StyledFrame
from sdcam.workers.stage_process import StageProcess, StageTask, stage_main

IN_FLIGHT = 3
_QUEUED = 2  # with a process: one in work, one in the pipe to go on with at once
_LATE_SECONDS = 0.1
_FIRST_SECONDS = 60.0  # before any frame time is known
# A frame rather waits this long for the slowest process than that process for a frame.
_EARLY_SECONDS = 0.003


@dataclass
class DropCounters:
    """Frames that did not arrive, and how often a process was replaced."""

    dropped: int = 0  # in flight when a process failed
    stale: int = 0  # given up for a newer frame
    restarts: int = 0


class StagePipeline:
    """For one thread.

    Args:
        plan: which stages run in which process.
        camera, styled: memory that frames come from and are painted in.
        counters: counted on.
        lingering: receives processes that could not be ended.
        on_fault: told of every process that is replaced.
        spare: a process that was started early, without a task; used for the first stages.
    """

    def __init__(
        self,
        plan: EnginePlan,
        camera: FramePool,
        styled: FramePool,
        counters: DropCounters,
        lingering: LingeringChildren,
        on_fault: Callable[[SdcamError], None],
        spare: Child | None = None,
    ) -> None:
        self.plan = plan
        self._camera = camera
        self._styled = styled
        self._counters = counters
        self._lingering = lingering
        self._on_fault = on_fault
        self._spare = spare
        self._flights: list[InFlightFrame] = []  # the oldest first
        self._gap = True  # no frame went in directly before the next one
        self.processes = [StageProcess(name, self._spawner(name)) for name in plan.processes]

    @property
    def pipes(self) -> list[Connection]:
        return [process.child.pipe for process in self.processes if process.child is not None]

    @property
    def in_flight(self) -> int:
        return sum(flight.state is not FlightState.LOST for flight in self._flights)

    @property
    def ready(self) -> bool:
        return all(process.ready for process in self.processes)

    @property
    def seconds_left(self) -> float:
        """Until `supervise` has something to do."""
        return max(0.0, min(process.seconds_left for process in self.processes))

    def supervise(self, look: Look) -> None:
        """Starts the processes that should run, replaces those that hang."""
        for process in self.processes:
            if process.seconds_left > 0:
                continue
            if process.child is not None:
                if not process.is_starved():
                    self._failed(process, process.hung())
            elif fault := self._lingering.fault():
                process.policy.failed(fault)
                self._on_fault(fault)
            else:
                process.start(look)

    def retry_now(self) -> None:
        for process in self.processes:
            process.policy.retry_now()

    def seconds_to_entry(self) -> float | None:
        """Until a new frame should enter; None while something else has to happen first.

        Example, staged on an M3 Ultra (encode 5 ms, denoise 24 ms, decode 5 ms): a frame enters
        *denoise* at time 0, which is free again at 24 ms. The next frame needs 5 ms to get there,
        so it enters at 24 - 5 = 19 ms, less `_EARLY_SECONDS`: 16 ms. Entered at once it would only
        have waited, and be 16 ms older when it is shown.
        """
        if not self.ready or len(self._flights) >= IN_FLIGHT or self._has_queue(0):
            return None
        now = time.monotonic()
        free = [now] * len(self.processes)  # when each process has finished all frames in flight
        for flight in self._flights:
            at = now
            for position in range(flight.position, len(free)):
                process = self.processes[position]
                at = max(at, free[position])
                sent = flight.state is not FlightState.WAITING and position == flight.position
                if sent and at == now:
                    at = process.begun
                at = free[position] = max(now, at + process.median_seconds)
        entry, travelled = now, 0.0
        for process, is_free in zip(self.processes, free, strict=True):
            entry = max(entry, is_free - travelled - _EARLY_SECONDS)
            travelled += process.median_seconds
        return entry - now

    def enter(self, camera: CameraFrame, slot: int, look: Look) -> None:
        """Sends a frame on its way; its slots belong to the pipeline from now on."""
        frame = Frame(look, time.monotonic_ns(), first=camera.first or self._gap)
        self._gap = False
        self._flights.append(InFlightFrame(camera, slot, frame))
        self._advance()

    def receive(self, pipe: Connection) -> StyledFrame | None:
        """Reads what a process says. Returns a frame that has passed all stages.

        Raises:
            MissingError, UsageError: a fault that only the user can fix.
        """
        for position, process in enumerate(self.processes):
            if process.child is None or process.child.pipe is not pipe:
                continue
            try:
                answer = process.receive()
            except (MissingError, UsageError):
                raise
            except SdcamError as fault:
                self._failed(process, fault)
                return None
            return self._answered(position, answer) if answer else None
        return None  # from a process that was replaced a moment ago

    def stop(self) -> None:
        """Ends all processes; no frame is left."""
        for process in self.processes:
            if process.child is not None:
                process.child.pipe.close()  # all of them begin to end at once
        if self._spare is not None:
            self._spare.pipe.close()
        for position, process in enumerate(self.processes):
            self._end(process, position, grace=1.0)
        if self._spare is not None:
            self._spare.stop()
        for flight in self._flights:
            self._release(flight)
        self._flights.clear()

    def _answered(self, position: int, answer: Answer) -> StyledFrame | None:
        flight = next(
            f
            for f in self._flights
            if f.position == position and f.state is not FlightState.WAITING
        )
        if flight.state is FlightState.LOST or answer.stale:
            self._counters.stale += flight.state is not FlightState.LOST
            self._remove(flight)
            self._release(flight)
            return None
        if position == 0:
            self._camera.give_back(flight.camera.slot)
        # `first` may have been set here while the process worked on its copy.
        answer.frame.first |= flight.frame.first
        flight.frame = answer.frame
        flight.position += 1
        flight.state = FlightState.WAITING
        styled = None
        if flight.position == len(self.processes):
            self._flights.remove(flight)
            spec = self.processes[-1].spec
            assert spec is not None
            styled = StyledFrame(flight.slot, spec, flight.camera, flight.frame)
        self._advance()
        return styled

    def _remove(self, flight: InFlightFrame) -> None:
        """Takes a frame out. The frames around it are then no neighbours any more."""
        index = self._flights.index(flight)
        self._flights.remove(flight)
        if flight.frame.first and index < len(self._flights):
            self._flights[index].frame.first = True
        self._gap = True

    def _advance(self) -> None:
        """Sends waiting frames to their processes, in order, a little ahead of their turn."""
        now = time.monotonic_ns()
        medians = [process.median_seconds for process in self.processes]
        # Later than the whole pipeline takes: something stuttered.
        late = max(_LATE_SECONDS, sum(medians)) if all(medians) else _FIRST_SECONDS
        for flight in self._flights:
            process = self.processes[flight.position]
            waiting = flight.state is FlightState.WAITING
            if waiting and process.ready and process.queued < _QUEUED:
                flight.state = FlightState.SENT
                flight.best_before_ns = now + round(late * 1e9)
                process.send(flight)

    def _failed(self, process: StageProcess, fault: SdcamError) -> None:
        self._counters.dropped += self.in_flight
        self._end(process, self.processes.index(process))
        process.policy.failed(fault)
        for flight in list(self._flights):
            if flight.state is FlightState.WAITING:
                self._flights.remove(flight)
                self._release(flight)
            flight.state = FlightState.LOST
        self._gap = True
        self._on_fault(fault)
        # Increment last, so that a reader who sees the new count also sees the fault.
        self._counters.restarts += 1

    def _end(self, process: StageProcess, position: int, grace: float = 0.0) -> None:
        """Ends a process and releases the frames that it had."""
        held = [
            flight
            for flight in self._flights
            if flight.position == position and flight.state is not FlightState.WAITING
        ]
        for flight in held:
            self._flights.remove(flight)

        def release() -> None:
            for flight in held:
                self._release(flight)

        if (child := process.end(grace)) is None:
            release()
        else:
            self._lingering.add(child, release)

    def _has_queue(self, position: int) -> bool:
        """Whether a frame waits for the process beside the one that it works on."""
        return sum(flight.position == position for flight in self._flights) > 1

    def _release(self, flight: InFlightFrame) -> None:
        if flight.position == 0:
            self._camera.give_back(flight.camera.slot)
        self._styled.give_back(flight.slot)

    def _spawner(self, name: str) -> Callable[[Look], Child]:
        def spawn(look: Look) -> Child:
            slots = self._camera.slots, self._styled.slots
            child, self._spare = self._spare, None
            if child is None:
                child = Child("model", stage_main, *slots)
            else:
                for each in slots:
                    each.hand_over(child.pipe, child.pid)
            child.name = name
            child.send(StageTask(self.plan, name, look))
            return child

        return spawn
