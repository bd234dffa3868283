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

import numpy as np
from numpy.typing import NDArray

from sdcam.compositor import Card, Compositor
from sdcam.errors import SdcamError
from sdcam.output import Sink, open_sink
from sdcam.pipeline.stages import Canvas
from sdcam.settings import Fit, Output
from sdcam.workers.frame_pool import FramePool
from sdcam.workers.meters import Distribution, RateMeter
from sdcam.workers.phase import PhaseLock
from sdcam.workers.records import StyledFrame

Pixels = NDArray[np.uint8]

_REOPEN_SECONDS = 2.0


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
    """

    def __init__(
        self,
        specs: Sequence[str],
        output: Output,
        pool: FramePool,
        situation: Callable[[int | None], Card | None],
        view: View,
        on_fault: Callable[[SdcamError | None], None],
        frame_limit: int | None = None,
        on_limit: Callable[[], None] = lambda: None,
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
        self._stopping = False
        self._specs = specs
        self._ports: list[_Port] = []
        self._compositors: dict[str, Compositor] = {}
        self._composed: dict[str, Pixels] = {}
        self._last_sent_ns: int | None = None
        self._unsent_ns: int | None = None  # capture time of a picture that was not sent yet
        self._composed_ns = 0
        self._phase = PhaseLock(1.0 / output.fps)
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)

    @property
    def names(self) -> list[str]:
        return [port.name for port in self._ports]

    @property
    def alive(self) -> bool:
        """Whether any output is left or can come back."""
        return any(port.sink is not None or port.comes_back for port in self._ports)

    def start(self) -> None:
        """Opens the outputs and begins to pace them.

        Raises:
            SdcamError: an output cannot be opened; none is left open then.
        """
        output = self._output
        self._ports = _open_ports(self._specs, output)
        self._compositors = {
            port.pixel_format: Compositor(output.width, output.height, port.pixel_format)
            for port in self._ports
        }
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

    def clear(self) -> None:
        """Forgets every picture (pause): a card is shown until a new one comes."""
        with self._changed:
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
            canvas = self._canvas(styled)
            return canvas.seen.copy(), canvas.styled.copy()

    def _run(self) -> None:
        period = 1.0 / self._output.fps
        tick = time.monotonic()
        while True:
            if self._wait_until(tick):
                self._compose()
                continue
            if self._stopping:
                return
            self._send()
            tick += period + self._phase.shift()
            behind = time.monotonic() - tick
            if behind > period:
                missed = int(behind / period)
                self.late += missed
                tick += missed * period

    def _wait_until(self, tick: float) -> bool:
        """True as soon as there is something to compose, False at the tick."""
        with self._changed:
            while not self._stopping:
                if self._next is not None or (self._stale_view and self._shown is not None):
                    return True
                left = tick - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return False

    def _compose(self) -> None:
        start = time.perf_counter_ns()
        with self._changed:  # the slot must not be given back (clear) while it is read
            if self._next is not None:
                old, self._shown, self._next = self._shown, self._next, None
                if old is not None:
                    self._pool.give_back(old.slot)
                self._unsent_ns = self._shown.captured_ns
            self._stale_view = False
            if self._shown is None:
                return
            canvas = self._canvas(self._shown)
            view = self._view
            for pixel_format, compositor in self._compositors.items():
                self._composed[pixel_format] = compositor.compose(
                    canvas.styled,
                    canvas.seen if view.blend > 0 else None,
                    view.fit,
                    view.blend,
                    view.mirror,
                )
        self.compose_time.add_ns(time.perf_counter_ns() - start)
        self._composed_ns = time.monotonic_ns()

    def _canvas(self, styled: StyledFrame) -> Canvas:
        return Canvas.over(self._pool.slots.memory(styled.slot), styled.spec)

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
            compositor = self._compositors[port.pixel_format]
            frame = compositor.card(card) if card else self._composed[port.pixel_format]
            self._send_to(port, frame)
        if self.first_picture_ns is not None:
            self._account(card is None)

    def _send_to(self, port: _Port, frame: Pixels) -> None:
        try:
            if port.send(frame):
                return
            self._on_fault(None)  # it came back
        except SdcamError as fault:
            self._on_fault(fault)

    def _account(self, picture: bool) -> None:
        now = time.monotonic_ns()
        if self._last_sent_ns is not None:
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


class _Port:
    """One output and its reopening. A virtual camera comes back; a recording that broke is over,
    because what follows would be another film."""

    def __init__(self, spec: str, output: Output) -> None:
        self.spec = spec
        self.is_film = spec.startswith("file:")
        self.comes_back = spec.startswith("virtual-camera")
        self._output = output
        self.sink: Sink | None = open_sink(spec, output)
        self.name = self.sink.name
        self.pixel_format = self.sink.pixel_format
        self._retry_at = 0.0

    def send(self, frame: Pixels) -> bool:
        """False when the output has just come back, True otherwise.

        Raises:
            SdcamError: it broke; it is closed then.
        """
        came_back = False
        if self.sink is None:
            if not self.comes_back or time.monotonic() < self._retry_at:
                return True
            self._retry_at = time.monotonic() + _REOPEN_SECONDS
            self.sink = open_sink(self.spec, self._output)
            came_back = True
        try:
            self.sink.send(frame)
        except SdcamError:
            self.close()
            self._retry_at = time.monotonic() + _REOPEN_SECONDS
            raise
        return not came_back

    def close(self) -> SdcamError | None:
        """What came to light at the end, if anything."""
        sink, self.sink = self.sink, None
        return sink.close() if sink else None


def _open_ports(specs: Sequence[str], output: Output) -> list[_Port]:
    ports: list[_Port] = []
    try:
        for spec in specs:
            ports.append(_Port(spec, output))
    except SdcamError:
        for port in ports:
            port.close()
        raise
    return ports
