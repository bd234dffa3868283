"""The thread that paces the output: at every tick a frame, whatever happens elsewhere.

A new styled picture is composed as soon as it comes, between two ticks; at the tick the newest
composed frame goes out, again and again if there is no newer one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sdcam.compositor import Card, Compositor
from sdcam.errors import SdcamError
from sdcam.pipeline.stages import FrameBuffers
from sdcam.settings import Fit, OutputSettings
from sdcam.workers.frame_pool import FramePool
from sdcam.workers.meters import Distribution, RateMeter
from sdcam.workers.phase import PhaseLock
from sdcam.workers.port import Port, Shape
from sdcam.workers.records import StyledFrame

Pixels = NDArray[np.uint8]

_HEARTBEAT_SECONDS = 10.0
_RESTING_SECONDS = 1.0  # between two frames while nobody watches: apps still list the camera


@dataclass(frozen=True)
class View:
    """How a styled picture is put into the output frame."""

    fit: Fit = Fit.CROP
    blend: float = 0.0
    mirror: bool = False


class OutputWorker:
    """
    Args:
        specs: the outputs, "virtual-camera", "file:PATH", "null".
        output: size and rate.
        pool: styled memory that frames come from.
        situation: the card to show in place of a picture, given how old (in nanoseconds) the
            newest picture is (None: there is none); None to show the picture.
        on_fault: told of faults of the outputs, and None when all of them work.
        frame_limit: frames to send, from the first picture on, before `on_limit` is called.
        patient: a virtual camera that is not there yet is waited for.
    """

    def __init__(
        self,
        specs: Sequence[str],
        output: OutputSettings,
        pool: FramePool,
        situation: Callable[[int | None], Card | None],
        view: View,
        on_fault: Callable[[SdcamError | None], None],
        frame_limit: int | None = None,
        on_limit: Callable[[], None] = lambda: None,
        patient: bool = False,
    ) -> None:
        self.sent = RateMeter()  # from the first picture on
        self.late = 0  # ticks that were missed
        self.latency = Distribution()  # capture to output, of every picture's first showing
        self.gaps = Distribution(keep=65536)  # between two frames sent
        self.compose_time = Distribution()
        self.first_picture_ns: int | None = None
        self.showing = ""  # title of the card, or "" for the picture
        self._log = logging.getLogger("sdcam.output")
        self._output = output
        self._pool = pool
        self._situation = situation
        self._view = view
        self._on_fault = on_fault
        self._frame_limit = frame_limit
        self._on_limit = on_limit
        self._changed = threading.Condition()
        self._next: StyledFrame | None = None
        self._shown: StyledFrame | None = None
        self._stale_view = False
        self._next_output: OutputSettings | None = None
        self._stopping = False
        self._specs = specs
        self._patient = patient
        self._resting = False
        self._beat = time.monotonic()
        self._hurry = False  # do not wait for the tick
        self._stumble = ""
        self._ports: list[Port] = []
        self._compositors: dict[Shape, Compositor] = {}
        self._composed: dict[Shape, Pixels] = {}
        self._last_sent_ns: int | None = None
        self._unsent_ns: int | None = None  # capture time of a picture that was not sent yet
        self._composed_ns = 0
        self._phase = PhaseLock(1.0 / output.fps)
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)

    @property
    def names(self) -> list[str]:
        return [port.name for port in self._ports]

    @property
    def reports(self) -> dict[str, dict[str, float]]:
        """What the outputs measure of themselves, by name."""
        return {port.name: port.report() for port in self._ports}

    @property
    def alive(self) -> bool:
        """Whether any output is left or can come back."""
        return any(port.alive for port in self._ports)

    @property
    def beats(self) -> bool:
        """Whether the thread goes round."""
        return time.monotonic() - self._beat < _HEARTBEAT_SECONDS

    def start(self) -> None:
        """Opens the outputs and begins to pace them.

        Raises:
            SdcamError: an output cannot be opened; none is left open then.
        """
        try:
            for spec in self._specs:
                self._ports.append(Port(spec, self._output, self._patient))
        except SdcamError:
            for port in self._ports:
                port.close()
            raise
        for port in self._ports:
            if port.fault:
                self._on_fault(port.fault)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, then every output; a recording can be played afterwards."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()
        for port in self._ports:
            if fault := port.close():
                self._on_fault(fault)

    def show(self, styled: StyledFrame) -> None:
        """A new picture. The one that still waits, if any, is passed over."""
        with self._changed:
            passed_over, self._next = self._next, styled
            self._changed.notify()
        if passed_over is not None:
            self._pool.give_back(passed_over.slot)

    def discard(self, styled: StyledFrame) -> None:
        """A picture that comes too late to be shown (pause)."""
        self._pool.give_back(styled.slot)

    def look(self, view: View) -> None:
        """Takes another view of the picture into force, the one that is shown included."""
        with self._changed:
            self._view = view
            self._stale_view = True
            self._changed.notify()

    def reopen(self, output: OutputSettings) -> bool:
        """Takes another size, rate or device into force; False if a recording stands against it,
        which is of one size and rate."""
        if any(port.is_film for port in self._ports):
            return False
        with self._changed:
            self._next_output = output
            self._changed.notify()
        return True

    def rest(self, resting: bool) -> None:
        """While nobody watches a frame a second is enough."""
        with self._changed:
            self._hurry = self._hurry or (self._resting and not resting)
            self._resting = resting
            self._changed.notify()

    def clear(self) -> None:
        """Forgets every picture (pause): a card is shown, at once, until a new one comes."""
        with self._changed:
            self._hurry = True
            for styled in (self._next, self._shown):
                if styled is not None:
                    self._pool.give_back(styled.slot)
            self._next = self._shown = None
            self._changed.notify()

    def newest(self) -> tuple[Pixels, Pixels] | None:
        """Copies of the newest pair, RGB (H, W, 3): what the model saw and what it painted."""
        with self._changed:
            styled = self._next or self._shown
            if styled is None:
                return None
            buffers = self._buffers(styled)
            return buffers.model_input.copy(), buffers.styled.copy()

    def _run(self) -> None:
        # OpenCV's own threads take a third more of the processor here, and are not sooner done.
        cv2.setNumThreads(1)
        tick = time.monotonic()
        while True:
            if self._wait_until(tick):
                self._goes_well(self._renew)
                continue
            if self._stopping:
                return
            with self._changed:  # before the frame: who hurries while it goes out means the next
                hurried, self._hurry = self._hurry, False
            if hurried:
                tick = time.monotonic()
            if self._goes_well(self._send):
                self._beat = time.monotonic()
            period = _RESTING_SECONDS if self._resting else 1.0 / self._output.fps
            tick += period + self._phase.shift()
            behind = time.monotonic() - tick
            if behind > period:
                missed = int(behind / period)
                self.late += missed
                tick += missed * period

    def _wait_until(self, tick: float) -> bool:
        """True as soon as there is something to take up, False at the tick."""
        with self._changed:
            while not self._stopping:
                if (
                    self._next is not None
                    or self._next_output is not None
                    or (self._stale_view and self._shown is not None)
                ):
                    return True
                left = tick - time.monotonic()
                if left <= 0 or self._hurry:
                    return False
                self._changed.wait(left)
        return False

    def _goes_well(self, step: Callable[[], None]) -> bool:
        """What apps see depends on this thread: it goes on after a mistake in this program."""
        try:
            step()
            return True
        except Exception as error:
            if self._stumble != (stumble := repr(error)):  # else the log has it already
                self._stumble = stumble
                self._log.exception("a mistake in this program")
            return False

    def _renew(self) -> None:
        self._take_up()
        self._compose()

    def _take_up(self) -> None:
        output, self._next_output = self._next_output, None
        if output is None:
            return
        self._output = output
        self._phase = PhaseLock(1.0 / output.fps)
        self._compositors.clear()
        self._composed.clear()
        for port in self._ports:
            port.reopen(output)

    def _compose(self) -> None:
        start = time.perf_counter_ns()
        with self._changed:  # the slot must not be given back (clear) while it is read
            if self._next is not None:
                old, self._shown, self._next = self._shown, self._next, None
                if old is not None:
                    self._pool.give_back(old.slot)
                self._unsent_ns = self._shown.captured_ns
            self._stale_view = False
            for shape in self._compositors:
                self._compose_for(shape)
        self.compose_time.add_ns(time.perf_counter_ns() - start)
        self._composed_ns = time.monotonic_ns()

    def _compose_for(self, shape: Shape) -> None:
        if self._shown is None:
            return
        buffers, view = self._buffers(self._shown), self._view
        self._composed[shape] = self._compositors[shape].compose(
            buffers.styled,
            buffers.model_input if view.blend > 0 else None,
            view.fit,
            view.blend,
            view.mirror,
        )

    def _buffers(self, styled: StyledFrame) -> FrameBuffers:
        return FrameBuffers.over(self._pool.slots.memory(styled.slot), styled.spec)

    def _send(self) -> None:
        now = time.monotonic_ns()
        shown = self._shown
        card = self._situation(None if shown is None else now - shown.captured_ns)
        title = card.title if card else ""
        if title != self.showing:
            self._log.info("showing %s", f'the card "{title}"' if card else "the picture")
            self.showing = title
        if not self.alive:
            return
        if card is None and self.first_picture_ns is None:
            self.first_picture_ns = now
        for port in self._ports:
            if port.is_film and self.first_picture_ns is None:
                continue  # a film begins with a picture; a camera has to be there before
            self._send_to(port, card)
        if self.first_picture_ns is not None:
            self._account(card is None)

    def _send_to(self, port: Port, card: Card | None) -> None:
        was_away = port.sink is None
        try:
            if not port.ready():
                return
            assert port.sink is not None
            port.sink.send(self._frame(port.shape, card))
        except SdcamError as fault:
            port.failed(fault)
            self._on_fault(fault)
            return
        if was_away:
            self._on_fault(None)

    def _frame(self, shape: Shape, card: Card | None) -> Pixels:
        if shape not in self._compositors:
            pixel_format, width, height = shape
            self._compositors[shape] = Compositor(width, height, pixel_format)
            with self._changed:
                self._compose_for(shape)
        if card is None and shape not in self._composed:
            card = self._situation(None)  # cleared since it was asked whether there is a picture
        return self._compositors[shape].card(card) if card else self._composed[shape]

    def _account(self, picture: bool) -> None:
        now = time.monotonic_ns()
        if self._last_sent_ns is not None and not self._resting:
            self.gaps.add_ns(now - self._last_sent_ns)
        self._last_sent_ns = now
        self.sent.tick()
        if picture and self._unsent_ns is not None:
            self.latency.add_ns(now - self._unsent_ns)
            self._phase.shown((now - self._composed_ns) / 1e9)
            self._unsent_ns = None
        else:
            self._phase.repeated()
        if self.sent.count == self._frame_limit:
            self._stopping = True
            self._on_limit()
