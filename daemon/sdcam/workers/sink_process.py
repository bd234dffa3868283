"""An output in a process of its own: a virtual-camera driver can hang or crash (CoreMediaIO,
pyvirtualcam), and on macOS a process that opened one never sees the device come back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import SimpleNamespace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sdcam.arrays import Pixels
from sdcam.errors import SdcamError
from sdcam.output import Sink, frame_shape, open_sink
from sdcam.workers.child import Child, LingeringChildren
from sdcam.workers.frame_pool import FramePool, FrameSlots
from sdcam.workers.records import FrameTaken, SinkOpened, Started
from sdcam.workers.starvation import Starvation

if TYPE_CHECKING:  # pydantic takes 0.2 s to import, also in the process
    from sdcam.settings import OutputSettings

_SLOTS = 3  # one with the driver, one waiting, one being written
_START_SECONDS = 60.0  # of the process, on a slow or busy machine
_OPEN_SECONDS = 30.0  # of the driver; a system extension that is being approved
_POLL_SECONDS = 0.1
_HUNG_SECONDS = 0.8  # a driver takes a frame in a few milliseconds
_LARGEST_PIXEL = 3  # bytes, BGR


@dataclass(frozen=True)
class Taken:
    """A frame that a sink took.

    Attributes:
        taken_ns: `time.monotonic_ns()`.
        tag: as given to `send`.
    """

    taken_ns: int
    tag: int


class AsyncSink(Protocol):
    """A sink that never makes its caller wait, for one thread."""

    name: str
    pixel_format: str

    @property
    def pid(self) -> int | None:
        """Of its process, if it has one."""
        ...

    def send(self, frame: Pixels, tag: int) -> bool:
        """Hands over a frame; False when the sink is still busy with earlier ones.

        Raises:
            SdcamError: the sink failed, and has to be closed.
        """
        ...

    def taken(self) -> list[Taken]:
        """The frames that the sink took since the last call.

        Raises:
            SdcamError: as `send`.
        """
        ...

    def report(self) -> dict[str, float]: ...

    def close(self) -> SdcamError | None:
        """Returns the fault that came to light at the end, if any."""
        ...


class LocalSink:
    """A sink of this process. It takes frames at once."""

    pid = None

    def __init__(self, sink: Sink) -> None:
        self.name, self.pixel_format = sink.name, sink.pixel_format
        self._sink = sink
        self._taken: list[Taken] = []
        self.report, self.close = sink.report, sink.close

    def send(self, frame: Pixels, tag: int) -> bool:
        self._sink.send(frame)
        self._taken.append(Taken(time.monotonic_ns(), tag))
        return True

    def taken(self) -> list[Taken]:
        taken, self._taken = self._taken, []
        return taken


class SinkProcess:
    """The daemon's side of a sink in a process of its own.

    Args:
        spec: "virtual-camera", "virtual-camera:DEVICE".
        lingering: receives the process if it cannot be ended.
        cancelled: asked while the sink opens; gives up when it says yes.

    Raises:
        SdcamError: the sink cannot be opened.
    """

    def __init__(
        self,
        spec: str,
        output: OutputSettings,
        lingering: LingeringChildren,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._lingering = lingering
        self._in_flight: dict[int, tuple[int, float]] = {}  # slot: tag, time.monotonic()
        self._taken: list[Taken] = []
        self._report: dict[str, float] = {}
        self._starvation = Starvation()
        self._patient_until = 0.0
        self._pool = FramePool(_SLOTS, output.width * output.height * _LARGEST_PIXEL)
        try:
            self._child = Child("virtual-camera", sink_main, self._pool.slots)
        except SdcamError:
            self._pool.close()
            raise
        try:
            self._child.send((spec, SimpleNamespace(**output.model_dump(mode="json"))))
            opened = self._await_opened(spec, cancelled)
        except SdcamError:
            self.close()
            raise
        self.name, self.pixel_format = opened.name, opened.pixel_format
        self._shape = frame_shape(self.pixel_format, output.width, output.height)

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def send(self, frame: Pixels, tag: int) -> bool:
        self._receive()
        if (slot := self._pool.take()) is None:
            return False
        np.copyto(self._pool.slots.view(slot, self._shape), frame)
        self._in_flight[slot] = tag, time.monotonic()
        self._child.send(slot)
        return True

    def taken(self) -> list[Taken]:
        self._receive()
        taken, self._taken = self._taken, []
        return taken

    def report(self) -> dict[str, float]:
        return self._report

    def close(self) -> None:
        if self._child.stop():
            self._pool.close()
        else:
            self._lingering.add(self._child, self._pool.close)

    def _await_opened(self, spec: str, cancelled: Callable[[], bool]) -> SinkOpened:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and not cancelled():
            if not self._child.pipe.poll(_POLL_SECONDS):
                continue
            message = self._next()
            if isinstance(message, SinkOpened):
                return message
            if isinstance(message, Started):
                deadline = time.monotonic() + _OPEN_SECONDS
        raise SdcamError(f"{spec} does not open: its driver does not answer.", "Retrying.")

    def _receive(self) -> None:
        while self._child.pipe.poll():
            message = self._next()
            if isinstance(message, FrameTaken):
                tag, _ = self._in_flight.pop(message.slot)
                self._pool.give_back(message.slot)
                self._taken.append(Taken(message.taken_ns, tag))
                self._report = message.report
                self._starvation.ends()
        now = time.monotonic()
        oldest = min((sent for _, sent in self._in_flight.values()), default=now)
        if now - oldest > _HUNG_SECONDS and now > self._patient_until:
            if not self._starvation.lasts(self._child.pid, _HUNG_SECONDS):
                raise SdcamError(f"{self.name} does not answer.", "Restarting its process.")
            self._patient_until = now + _HUNG_SECONDS

    def _next(self) -> object:
        try:
            message = self._child.receive()
        except (EOFError, ConnectionResetError, BrokenPipeError):
            raise self._child.fault() from None
        if isinstance(message, SdcamError):
            raise message
        return message


def sink_main(pipe: Connection, slots: FrameSlots) -> None:
    """The process: receives spec and settings, opens the sink, sends frames until the pipe ends."""
    pipe.send(Started())
    spec, output = pipe.recv()
    try:
        sink = open_sink(spec, output)
    except SdcamError as error:
        pipe.send(error)
        return
    shape = frame_shape(sink.pixel_format, output.width, output.height)
    try:
        pipe.send(SinkOpened(sink.name, sink.pixel_format))
        while True:
            slot = pipe.recv()
            sink.send(slots.view(slot, shape))
            pipe.send(FrameTaken(slot, time.monotonic_ns(), sink.report()))
    except SdcamError as error:
        pipe.send(error)
    finally:
        sink.close()
