"""The chain of a model's processes: several frames on their way, in order, each waiting nowhere.

A frame sets out just in time to find every process free when it gets there, so what is painted is
as fresh as it can be and the slowest process is never idle. A process that fails is replaced
alone; the frames on their way are dropped and counted, and the next one follows none of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection

from sdcam.engines.plan import EnginePlan
from sdcam.errors import MissingError, SdcamError, UsageError
from sdcam.pipeline.look import Look
from sdcam.workers.child import Child
from sdcam.workers.frame_pool import FramePool
from sdcam.workers.records import CameraFrame, PaintRequest, StagesDone, StyledFrame
from sdcam.workers.stage_process import StageProcess, stage_main

IN_FLIGHT = 3
_QUEUED = 2  # with a process: one in work, one to go on with at once
_LATE_SECONDS = 0.1
_FIRST_SECONDS = 60.0  # as long as nobody knows what is usual
_EARLY_SECONDS = 0.003  # rather a short wait for the slowest process than a wait of that process


@dataclass
class _Flight:
    """A frame on its way to the process at `position`, or with it."""

    request: PaintRequest
    position: int = 0
    asked: bool = False
    lost: bool = False  # another process failed; what becomes of this frame interests nobody
    stage_ns: dict[str, int] = field(default_factory=dict)
    prompt_refused: bool = False


@dataclass
class Tally:
    """What became of frames that did not arrive, and how often a process was replaced."""

    dropped: int = 0  # on their way when a process failed
    stale: int = 0  # given up for a newer one
    restarts: int = 0


class Chain:
    """Belongs to one thread.

    Args:
        plan: what to run in which processes.
        camera, styled: memory that frames come from and are painted in.
        tally: counts on.
        on_fault: told of every process that is replaced.
    """

    def __init__(
        self,
        plan: EnginePlan,
        camera: FramePool,
        styled: FramePool,
        tally: Tally,
        on_fault: Callable[[SdcamError], None],
    ) -> None:
        self.plan = plan
        self._camera = camera
        self._styled = styled
        self._tally = tally
        self._on_fault = on_fault
        self._flights: list[_Flight] = []  # the oldest first
        self._follows = False  # the next frame has one before it
        self.processes = [self._process(name) for name in plan.processes]

    @property
    def pipes(self) -> list[Connection]:
        return [process.child.pipe for process in self.processes if process.child is not None]

    @property
    def on_their_way(self) -> int:
        return sum(not flight.lost for flight in self._flights)

    @property
    def ready(self) -> bool:
        return all(process.ready for process in self.processes)

    @property
    def seconds_left(self) -> float:
        """Until `tend` has something to do."""
        return max(0.0, min(process.seconds_left for process in self.processes))

    def tend(self, look: Look) -> None:
        """Starts the processes that should run, replaces those that hang."""
        for process in self.processes:
            if process.seconds_left > 0:
                continue
            if process.child is None:
                process.start(look)
            elif not process.is_starved():
                self._failed(process, process.hung())

    def seconds_to_entry(self) -> float | None:
        """Until a new frame should set out; None as long as something else has to happen first."""
        if not self.ready or len(self._flights) >= IN_FLIGHT or self._waiting(0):
            return None
        now = time.monotonic()
        free = [now] * len(self.processes)
        for flight in self._flights:
            at = now
            for position in range(flight.position, len(free)):
                process = self.processes[position]
                at = max(at, free[position])
                if flight.asked and position == flight.position and at == now:
                    at = process.begun
                at = free[position] = max(now, at + process.usual_seconds)
        entry, ahead = now, 0.0
        for process, is_free in zip(self.processes, free, strict=True):
            entry = max(entry, is_free - ahead - _EARLY_SECONDS)
            ahead += process.usual_seconds
        return entry - now

    def enter(self, frame: CameraFrame, slot: int, look: Look) -> None:
        """Sends a frame on its way; its slots belong to the chain now."""
        fresh = not self._follows
        self._follows = True
        now = time.monotonic_ns()
        request = PaintRequest(frame, slot, look, now, fresh, best_before_ns=0)
        self._flights.append(_Flight(request))
        self._move()

    def start_afresh(self) -> None:
        """The next frame does not follow the last one."""
        self._follows = False

    def receive(self, pipe: Connection) -> StyledFrame | None:
        """Reads what a process says; a frame that is painted to the end.

        Raises:
            MissingError, UsageError: what only the user can mend.
        """
        for position, process in enumerate(self.processes):
            if process.child is None or process.child.pipe is not pipe:
                continue
            try:
                done = process.receive()
            except (MissingError, UsageError):
                raise
            except SdcamError as fault:
                self._failed(process, fault)
                return None
            return self._done(position, done) if done else None
        return None  # of a process that was replaced a moment ago

    def stop(self) -> None:
        """Ends all processes; no frame is left."""
        for process in self.processes:
            if process.child is not None:
                process.child.pipe.close()
        for process in self.processes:
            process.end(grace=1.0)
        for flight in self._flights:
            self._release(flight)
        self._flights.clear()

    def _done(self, position: int, done: StagesDone) -> StyledFrame | None:
        flight = next(f for f in self._flights if f.asked and f.position == position)
        if flight.lost or done.stale:
            self._tally.stale += done.stale and not flight.lost
            self._leave_out(flight)
            self._release(flight)
            return None
        if position == 0:
            self._camera.give_back(flight.request.frame.slot)
        flight.stage_ns.update(done.stage_ns)
        flight.prompt_refused |= done.prompt_refused
        flight.request = replace(flight.request, inferred=done.inferred)
        flight.position += 1
        flight.asked = False
        styled = None
        if flight.position == len(self.processes):
            self._flights.remove(flight)
            styled = self._styled_frame(flight)
        self._move()
        return styled

    def _leave_out(self, flight: _Flight) -> None:
        """Without this frame those after it do not follow those before it."""
        index = self._flights.index(flight)
        self._flights.remove(flight)
        if flight.request.fresh and index < len(self._flights):
            after = self._flights[index]
            after.request = replace(after.request, fresh=True)
        self._follows = False

    def _styled_frame(self, flight: _Flight) -> StyledFrame:
        request, spec = flight.request, self.processes[-1].spec
        assert spec is not None
        return StyledFrame(
            request.slot,
            request.frame.sequence,
            request.frame.captured_ns,
            spec,
            request.inferred,
            flight.stage_ns,
            request.look.prompt,
            flight.prompt_refused,
        )

    def _move(self) -> None:
        """Hands frames on to the processes, in order, a little ahead of their turn."""
        now = time.monotonic_ns()
        usual = [process.usual_seconds for process in self.processes]
        # Longer than the whole chain takes: something stuttered.
        late = max(_LATE_SECONDS, sum(usual)) if all(usual) else _FIRST_SECONDS
        for flight in self._flights:
            process = self.processes[flight.position]
            if not flight.asked and process.ready and process.asked < _QUEUED:
                flight.asked = True
                best_before = now + round(late * 1e9)
                process.ask(replace(flight.request, best_before_ns=best_before))

    def _failed(self, process: StageProcess, fault: SdcamError) -> None:
        position = self.processes.index(process)
        process.end()
        process.backoff.failed(fault)
        for flight in list(self._flights):
            self._tally.dropped += not flight.lost
            flight.lost = True
            if not flight.asked or flight.position == position:
                self._flights.remove(flight)
                self._release(flight)
        self._follows = False
        self._on_fault(fault)
        self._tally.restarts += 1  # who sees it counted finds the reason

    def _waiting(self, position: int) -> bool:
        """Whether a frame waits for the process, beside the one that it works on."""
        return sum(flight.position == position for flight in self._flights) > 1

    def _release(self, flight: _Flight) -> None:
        if flight.position == 0:
            self._camera.give_back(flight.request.frame.slot)
        self._styled.give_back(flight.request.slot)

    def _process(self, name: str) -> StageProcess:
        def spawn(look: Look) -> Child:
            slots = self._camera.slots, self._styled.slots
            return Child(name, stage_main, *slots, self.plan, name, look)

        return StageProcess(name, spawn)
