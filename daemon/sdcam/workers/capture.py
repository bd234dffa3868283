"""The capture process, and the thread that keeps it running.

The camera has a process of its own because a hung camera, or on macOS a replugged one, recovers
only with the process that opened it (opencv/opencv#27294).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import numpy as np

from sdcam.capture.source import MOST_HEIGHT, MOST_WIDTH, Source, SourceInfo
from sdcam.errors import SdcamError
from sdcam.workers.child import Child
from sdcam.workers.frame_pool import FramePool, FrameSlots
from sdcam.workers.meters import RateMeter
from sdcam.workers.records import Absent, CameraFrame, Opened, SourceEnded, Started
from sdcam.workers.worker import FaultReport, Worker

if TYPE_CHECKING:  # pydantic takes 0.2 s to import, also in the process
    from sdcam.settings import CameraSettings

_GRANTED = 2  # slots that the process may fill: one being written, one ready for the next frame
_START_SECONDS = 60.0  # of the process, on a slow or busy machine
_OPEN_SECONDS = 20.0  # a camera that wakes up, a permission dialogue
_SILENCE_SECONDS = 2.0
_SEARCH_SECONDS = 0.5  # between two searches for a camera that is not there
_SEARCH_SHARE = 0.1  # of the time at most is spent on searching (macOS needs a second for one)
_GRACE_SECONDS = 0.15  # to close the camera in order; a pause closes it within 0.2 s
MAX_FRAME_BYTES = MOST_WIDTH * MOST_HEIGHT * 3


@dataclass(frozen=True)
class SourceSpec:
    """What to open: a spec of the command line, the camera settings, whether a file ends."""

    spec: str
    camera: CameraSettings
    once: bool = False


class CaptureWorker(Worker):
    """
    Args:
        source: what to capture.
        pool: camera memory; a slot passes to `deliver` with its frame.
        deliver: gets every frame and gives its slot back in the end.
        on_end: a source that plays once has ended.
    """

    def __init__(
        self,
        source: SourceSpec,
        pool: FramePool,
        deliver: Callable[[CameraFrame], None],
        on_end: Callable[[], None],
        on_fault: FaultReport,
    ) -> None:
        super().__init__("capture", on_fault)
        self.source = source
        self.info: SourceInfo | None = None  # of the source that is open, or was last
        self.is_open = False  # until its process is gone
        self.frames = RateMeter()
        self.unread = 0
        self._pool = pool
        self._deliver = deliver
        self._on_end = on_end
        self._granted: set[int] = set()
        self._child: Child | None = None
        self._spare: Child | None = None

    @property
    def pid(self) -> int | None:
        child = self._child
        return child.pid if child else None

    def reopen(self, source: SourceSpec | None = None, after_seconds: float = 0.0) -> None:
        """Closes the source and opens it again, or another one. In a pause nothing opens."""
        self.policy.forget()
        self.policy.delay(after_seconds)
        self.source = replace(source or self.source)
        self._wakeup.ring()

    def stop(self, seconds: float = 5.0) -> bool:
        ended = super().stop(seconds)
        if self._spare is not None:
            self._spare.stop(_GRACE_SECONDS)
        return ended

    def _work(self) -> None:
        source = self.source
        child, self._spare = self._spare or self._spawn(), None
        self._child = child
        child.send(source)
        try:
            self._serve(child, source)
        except (EOFError, ConnectionResetError, BrokenPipeError):
            raise child.fault() from None
        finally:
            self._child = None
            if child.stop(_GRACE_SECONDS):
                self._reclaim()
            else:
                self._lingering.add(child, self._reclaim)
            self.is_open = False

    def _stand_by(self, seconds: float) -> None:
        """Prepares a process, because a process takes longer to start than a camera to open."""
        if self._spare is None:
            with contextlib.suppress(SdcamError):  # reported when the process is needed
                self._spare = self._spawn()
        super()._stand_by(seconds)

    def _spawn(self) -> Child:
        return Child("capture", capture_main, self._pool.slots)

    def _serve(self, child: Child, source: SourceSpec) -> None:
        started = False
        deadline = time.monotonic() + _START_SECONDS
        while self._active and source is self.source:
            self._grant(child)
            if child.pipe not in self._wakeup.wait(deadline - time.monotonic(), child.pipe):
                if time.monotonic() >= deadline:
                    raise self._silence(started)
                continue
            if (message := child.receive()) is None:
                continue
            deadline = time.monotonic() + _SILENCE_SECONDS
            if isinstance(message, Started):
                started = True
                deadline = time.monotonic() + _OPEN_SECONDS
            elif isinstance(message, CameraFrame):
                self._granted.remove(message.slot)
                self.frames.tick()
                self.unread += message.unread
                self.policy.works()
                self._on_fault(None)
                self._deliver(message)
            elif isinstance(message, Opened):
                self._opened(message.info)
                deadline += 2 / max(1.0, message.info.fps)
            elif isinstance(message, Absent):
                self._on_fault(message.fault)
                deadline = time.monotonic() + _OPEN_SECONDS
            elif isinstance(message, SourceEnded):
                self._wanted = False
                self._on_end()
            elif isinstance(message, SdcamError):
                raise message

    def _opened(self, info: SourceInfo) -> None:
        self.info, self.is_open = info, True
        self._log.info(
            "source open: %s, %dx%d, %.4g fps", info.name, info.width, info.height, info.fps
        )

    def _grant(self, child: Child) -> None:
        while len(self._granted) < _GRANTED and (slot := self._pool.take()) is not None:
            self._granted.add(slot)
            child.send(slot)

    def _reclaim(self) -> None:
        for slot in self._granted:
            self._pool.give_back(slot)
        self._granted.clear()

    def _silence(self, started: bool) -> SdcamError:
        if started:
            return SdcamError(f"{self._name()} sends no frames.", "Reopening it.")
        return SdcamError("The capture process does not start.", "Starting another.")

    def _name(self) -> str:
        return f'The camera "{self.info.name}"' if self.info else f'"{self.source.spec}"'


def capture_main(pipe: Connection, slots: FrameSlots) -> None:
    """The capture process. Receives a `SourceSpec`, then slots to fill, until the pipe closes."""
    import sdcam.capture.opencv  # noqa: F401  # the slow import, before there is work

    pipe.send(Started())
    try:
        source = _open(pipe, pipe.recv())
    except SdcamError as error:
        pipe.send(error)
        return
    with source:
        try:
            _capture(pipe, slots, source)
        except SdcamError as error:
            pipe.send(error)


def _open(pipe: Connection, wanted: SourceSpec) -> Source:
    """Waits for a camera that is not there: a search costs less than another process."""
    from sdcam.capture import NoSuchCameraError, open_source

    while True:
        begun = time.monotonic()
        try:
            return open_source(wanted.spec, wanted.camera, once=wanted.once)
        except NoSuchCameraError as fault:
            pipe.send(Absent(fault))
        searched = time.monotonic() - begun
        time.sleep(max(_SEARCH_SECONDS, searched / _SEARCH_SHARE - searched))


def _capture(pipe: Connection, slots: FrameSlots, source: Source) -> None:
    info = source.info
    shape = (info.height, info.width, 3)
    pipe.send(Opened(info))
    granted: list[int] = []
    discarded = np.empty(shape, np.uint8)
    sequence = unread = 0
    first = True
    while True:
        while pipe.poll():
            granted.append(pipe.recv())
        slot = granted.pop(0) if granted else None
        captured_ns = source.read(discarded if slot is None else slots.view(slot, shape))
        if captured_ns is None:
            pipe.send(SourceEnded())
            return
        sequence += 1
        if slot is None:
            unread += 1  # read it anyway: the camera's queue would deliver old frames later
            continue
        pipe.send(CameraFrame(slot, sequence, captured_ns, info.width, info.height, unread, first))
        unread, first = 0, False
