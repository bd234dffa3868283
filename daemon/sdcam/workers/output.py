"""The thread that paces the output: a frame at every tick, whatever happens elsewhere.

A new styled frame is composed as soon as it arrives, between two ticks. At the tick the newest
composed frame goes out, again and again until there is a newer one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2

from sdcam.arrays import Pixels
from sdcam.compositor import Card, Compositor
from sdcam.errors import SdcamError
from sdcam.pipeline.frame import FrameBuffers
from sdcam.settings import Fit, OutputSettings
from sdcam.workers.frame_pool import FramePool
from sdcam.workers.meters import Distribution, RateMeter
from sdcam.workers.phase import PhaseLock
from sdcam.workers.reconnecting_sink import ReconnectingSink, Shape
from sdcam.workers.records import StyledFrame
from sdcam.workers.sink_process import Taken

_HEARTBEAT_SECONDS = 10.0
_RESTING_SECONDS = 1.0  # between two frames without a viewer: apps still list the camera
# Tags of frames beside the capture time of a new picture.
_NOT_COUNTED = 0  # sent before the first picture
_REPEATED = -1


@dataclass(frozen=True)
class View:
    """How a styled picture fills the output frame."""

    fit: Fit = Fit.CROP
    blend: float = 0.0
    mirror: bool = False


class OutputWorker:
    """
    Attributes:
        sinks: the outputs, in the order of `specs`. Rates, gaps and latency are of the first.
        late: ticks that were missed.
        latency: capture to sink, of the first showing of every picture.
        gaps: between two frames that the first sink took.
        first_picture_ns: `time.monotonic_ns()` when the first picture (no card) was sent.
        showing: title of the card, or "" for the picture.

    Args:
        specs: "virtual-camera", "file:PATH", "null".
        output: size and rate.
        pool: styled memory that frames come from.
        card_for: the card to show in place of a picture, given the age of the newest picture in
            nanoseconds (None: there is none); None to show the picture.
        on_fault: told of a fault of an output by its spec, and None when that output works again.
        frame_limit: frames that every output gets, from the first picture on; then `on_limit`.
        wait_for_devices: a virtual camera that cannot be opened at the start is tried again.
    """

    def __init__(
        self,
        specs: Sequence[str],
        output: OutputSettings,
        pool: FramePool,
        card_for: Callable[[int | None], Card | None],
        view: View,
        on_fault: Callable[[str, SdcamError | None], None],
        frame_limit: int | None = None,
        on_limit: Callable[[], None] = lambda: None,
        wait_for_devices: bool = False,
    ) -> None:
        self.late = 0
        self.latency = Distribution()
        self.gaps = Distribution(keep=65536)
        self.compose_time = Distribution()
        self.first_picture_ns: int | None = None
        self.showing = ""
        self.sinks = [ReconnectingSink(spec, output, partial(on_fault, spec)) for spec in specs]
        self._log = logging.getLogger("sdcam.output")
        self._output = output
        self._pool = pool
        self._card_for = card_for
        self._view = view
        self._frame_limit = frame_limit
        self._on_limit = on_limit
        self._wait_for_devices = wait_for_devices
        self._changed = threading.Condition()
        self._next: StyledFrame | None = None
        self._shown: StyledFrame | None = None
        self._cleared_ns = 0
        self._view_changed = False
        self._next_output: OutputSettings | None = None
        self._stopping = False
        self._resting = False
        self._last_tick = time.monotonic()
        self._send_now = False  # before the tick
        self._last_error = ""
        self._compositors: dict[Shape, Compositor] = {}
        self._composed: dict[Shape, Pixels] = {}
        self._last_taken_ns: int | None = None
        self._unsent_ns: int | None = None  # capture time of a picture that was not sent yet
        self._composed_ns = 0
        self._phase = PhaseLock(1.0 / output.fps)
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)

    @property
    def sent(self) -> RateMeter:
        """Frames that the first sink took, from the first picture on."""
        return self.sinks[0].sent

    @property
    def alive(self) -> bool:
        """Whether any output is left or can come back."""
        return any(sink.alive for sink in self.sinks)

    @property
    def ticks(self) -> bool:
        """Whether the thread still runs."""
        return time.monotonic() - self._last_tick < _HEARTBEAT_SECONDS

    @property
    def pids(self) -> dict[str, int]:
        """Of the processes of outputs, by name."""
        return {
            sink.spec.partition(":")[0]: pid for sink in self.sinks if (pid := sink.pid) is not None
        }

    def start(self) -> None:
        """Opens the outputs and begins to pace them.

        Raises:
            SdcamError: an output cannot be opened; none is left open then.
        """
        try:
            for sink in self.sinks:
                try:
                    sink.open()
                except SdcamError:
                    if not (self._wait_for_devices and sink.reconnects):
                        raise
        except SdcamError:
            for sink in self.sinks:
                sink.close()
            raise
        self._thread.start()

    def stop(self, seconds: float = 2.0) -> bool:
        """Ends the thread, then every output; a recording can be played afterwards. False when the
        thread did not end in time."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(seconds)
            if self._thread.is_alive():
                return False
            self._collect()
        for sink in self.sinks:
            if fault := sink.close():
                sink.report_late_fault(fault)
        return True

    def show(self, styled: StyledFrame) -> None:
        """A new picture. One that still waits is skipped, and so is one that was captured before
        the last `clear`."""
        with self._changed:
            skipped: StyledFrame | None = styled
            if styled.camera.captured_ns >= self._cleared_ns:
                skipped, self._next = self._next, styled
                self._changed.notify()
        if skipped is not None:
            self._pool.give_back(skipped.slot)

    def set_view(self, view: View) -> None:
        """Applies another view, also to the picture that is shown."""
        with self._changed:
            self._view = view
            self._view_changed = True
            self._changed.notify()

    def reopen(self, output: OutputSettings) -> bool:
        """Applies another size, rate or device. False for a recording, which has one size and
        rate."""
        if any(sink.is_recording for sink in self.sinks):
            return False
        with self._changed:
            self._next_output = output
            self._changed.notify()
        return True

    def rest(self, resting: bool) -> None:
        """Sends one frame a second while there is no viewer."""
        with self._changed:
            self._send_now = self._send_now or (self._resting and not resting)
            self._resting = resting
            self._changed.notify()

    def clear(self) -> None:
        """Forgets every picture (pause). Shows a card at once, until a new picture arrives."""
        with self._changed:
            self._send_now = True
            self._cleared_ns = time.monotonic_ns()
            for styled in (self._next, self._shown):
                if styled is not None:
                    self._pool.give_back(styled.slot)
            self._next = self._shown = None
            self._changed.notify()

    def retry_now(self) -> None:
        """Ends the delays after failures, because something relevant changed."""
        for sink in self.sinks:
            sink.policy.retry_now()

    def newest(self) -> tuple[Pixels, Pixels] | None:
        """Copies of the newest pair, RGB (H, W, 3): model input and styled picture."""
        with self._changed:
            styled = self._next or self._shown
            if styled is None:
                return None
            buffers = self._buffers(styled)
            return buffers.model_input.copy(), buffers.styled.copy()

    def _run(self) -> None:
        # OpenCV's own threads cost a third more CPU here and finish no sooner.
        cv2.setNumThreads(1)
        tick = time.monotonic()
        while True:
            if self._wait_until(tick):
                self._run_step(self._update)
                continue
            if self._stopping:
                return
            with self._changed:
                # Clear the flag before sending: a request that arrives during the send is for the
                # next tick.
                now, self._send_now = self._send_now, False
            if now:
                tick = time.monotonic()
            if self._run_step(self._tick):
                self._last_tick = time.monotonic()
            period = _RESTING_SECONDS if self._resting else 1.0 / self._output.fps
            tick += period + self._phase.shift()
            behind = time.monotonic() - tick
            if behind > period:
                missed = int(behind / period)
                self.late += missed
                tick += missed * period

    def _wait_until(self, tick: float) -> bool:
        """True as soon as there is something to update, False at the tick."""
        with self._changed:
            while not self._stopping:
                if (
                    self._next is not None
                    or self._next_output is not None
                    or (self._view_changed and self._shown is not None)
                ):
                    return True
                left = tick - time.monotonic()
                if left <= 0 or self._send_now:
                    return False
                self._changed.wait(left)
        return False

    def _run_step(self, step: Callable[[], None]) -> bool:
        """Apps depend on this thread: it survives an internal error."""
        try:
            step()
            return True
        except Exception as error:
            if self._last_error != (text := repr(error)):  # else the log has it already
                self._last_error = text
                self._log.exception("internal error")
            return False

    def _update(self) -> None:
        self._apply_output()
        self._compose()

    def _apply_output(self) -> None:
        output, self._next_output = self._next_output, None
        if output is None:
            return
        self._output = output
        self._phase = PhaseLock(1.0 / output.fps)
        self._compositors.clear()
        self._composed.clear()
        for sink in self.sinks:
            sink.reopen(output)

    def _compose(self) -> None:
        start = time.perf_counter_ns()
        with self._changed:  # `clear` must not give the slot back while it is read
            if self._next is not None:
                old, self._shown, self._next = self._shown, self._next, None
                if old is not None:
                    self._pool.give_back(old.slot)
                self._unsent_ns = self._shown.camera.captured_ns
            self._view_changed = False
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

    def _tick(self) -> None:
        now = time.monotonic_ns()
        shown = self._shown
        card = self._card_for(None if shown is None else now - shown.camera.captured_ns)
        title = card.title if card else ""
        if title != self.showing:
            self._log.info("showing %s", f'the card "{title}"' if card else "the picture")
            self.showing = title
        if card is None and self.first_picture_ns is None:
            self.first_picture_ns = now
        new_picture = self._send_all(card)
        self._collect()
        if self.first_picture_ns is not None:
            if new_picture:
                self._phase.shown((now - self._composed_ns) / 1e9)
            else:
                self._phase.repeated()

    def _send_all(self, card: Card | None) -> bool:
        """Hands the frame of this tick to every sink; True if the first got a new picture."""
        new_picture = False
        for number, sink in enumerate(self.sinks):
            sink.open_when_due()
            counted = self.first_picture_ns is not None
            if (shape := sink.shape) is None or self._is_full(sink):
                continue
            if sink.is_recording and not counted:
                continue  # a film begins with a picture; a camera has to be there before
            captured_ns = self._unsent_ns if card is None and number == 0 else None
            tag = (captured_ns or _REPEATED) if counted else _NOT_COUNTED
            if sink.send(self._frame(shape, card), tag):
                sink.offered += counted
                if captured_ns is not None:
                    self._unsent_ns, new_picture = None, True
        return new_picture

    def _frame(self, shape: Shape, card: Card | None) -> Pixels:
        if shape not in self._compositors:
            pixel_format, width, height = shape
            self._compositors[shape] = Compositor(width, height, pixel_format)
            with self._changed:
                self._compose_for(shape)
        if card is None and shape not in self._composed:
            card = self._card_for(None)  # `clear` ran since the picture was chosen
        return self._compositors[shape].card(card) if card else self._composed[shape]

    def _collect(self) -> None:
        """Counts the frames that sinks took."""
        for number, sink in enumerate(self.sinks):
            for taken in sink.taken():
                if taken.tag == _NOT_COUNTED:
                    continue
                sink.sent.tick(taken.taken_ns)
                if number == 0:
                    self._measure(taken)
        if self._frame_limit is not None and not self._stopping:
            counts = [sink.sent.count for sink in self.sinks if sink.is_open]
            if counts and min(counts) >= self._frame_limit:
                self._stopping = True
                self._on_limit()

    def _measure(self, taken: Taken) -> None:
        if self._last_taken_ns is not None and not self._resting:
            self.gaps.add_ns(taken.taken_ns - self._last_taken_ns)
        self._last_taken_ns = taken.taken_ns
        if taken.tag != _REPEATED:
            self.latency.add_ns(taken.taken_ns - taken.tag)

    def _is_full(self, sink: ReconnectingSink) -> bool:
        return self._frame_limit is not None and sink.offered >= self._frame_limit
