"""One output of the service, which is opened, and opened again, off the output thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sdcam.arrays import Pixels
from sdcam.errors import SdcamError
from sdcam.output import open_sink
from sdcam.settings import OutputSettings
from sdcam.workers.child import LingeringChildren
from sdcam.workers.meters import RateMeter
from sdcam.workers.restart_policy import RestartPolicy
from sdcam.workers.sink_process import AsyncSink, LocalSink, SinkProcess, Taken

Shape = tuple[str, int, int]  # pixel format, width, height

_CLOSE_SECONDS = 3.0


class ReconnectingSink:
    """A virtual camera comes back after a fault. A recording that broke is over, because what
    follows would be another film.

    Attributes:
        sent: frames that the sink took, from the first picture on.
        offered: frames that it accepted, from the first picture on.
        restarts: openings after a failure.

    Args:
        spec: "virtual-camera", "virtual-camera:DEVICE", "file:PATH", "null".
        on_fault: told of every fault, and None when the output works again. May be called from
            the output thread and from the thread that opens the sink.
    """

    def __init__(
        self, spec: str, output: OutputSettings, on_fault: Callable[[SdcamError | None], None]
    ) -> None:
        self.spec = spec
        self.name = spec
        self.is_recording = spec.startswith("file:")
        self.reconnects = spec.startswith("virtual-camera")
        self.fault: SdcamError | None = None
        self.sent = RateMeter()
        self.offered = 0
        self.restarts = 0
        self.policy = RestartPolicy()
        self._output = output
        self._on_fault = on_fault
        self._lingering = LingeringChildren()
        self._lock = threading.Lock()
        self._sink: AsyncSink | None = None
        self._open_due = True  # also for one that does not reconnect: a first or wanted opening
        self._opening: threading.Thread | None = None
        self._closing: threading.Thread | None = None
        self._closed = False

    @property
    def is_open(self) -> bool:
        return self._sink is not None

    @property
    def alive(self) -> bool:
        """Whether it is open or can come back."""
        return self.is_open or self.reconnects or self._open_due or self._opening is not None

    @property
    def shape(self) -> Shape | None:
        """Of the frames that it takes; None while it is closed."""
        if (sink := self._sink) is None:
            return None
        return sink.pixel_format, self._output.width, self._output.height

    @property
    def pid(self) -> int | None:
        sink = self._sink
        return sink.pid if sink else None

    def status(self) -> dict[str, object]:
        """For `sdcam status`: {"open", "sent", "fps", "fault", ...} and what the sink measures."""
        sink = self._sink
        return {
            "open": sink is not None,
            "sent": self.sent.count,
            "fps": round(self.sent.per_second(), 1),
            "fault": str(self.fault) if self.fault else None,
            "restarts": self.restarts,
            **(sink.report() if sink else {}),
        }

    def open(self) -> None:
        """Opens it and waits until it is open.

        Raises:
            SdcamError: it cannot be opened.
        """
        self._open_due = False
        try:
            self._open()
        except SdcamError as fault:
            self._failed(fault)
            raise

    def open_when_due(self) -> None:
        """Begins to open it in the background if it should be open and is not."""
        due = self._sink is None and (self.reconnects or self._open_due) and not self._closed
        if self._closing is not None and not self._closing.is_alive():
            self._closing = None
        busy = self._opening is not None or self._closing is not None
        if due and not busy and self.policy.seconds_left == 0:
            self._open_due = False
            self._opening = threading.Thread(
                target=self._open_in_background, name="open-output", daemon=True
            )
            self._opening.start()

    def send(self, frame: Pixels, tag: int) -> bool:
        """Hands over a frame without waiting. False when the sink did not accept it.

        Args:
            tag: comes back with the frame in `taken`.
        """
        if (sink := self._sink) is None:
            return False
        try:
            return sink.send(frame, tag)
        except SdcamError as fault:
            self._broke(fault)
            return False

    def taken(self) -> list[Taken]:
        """The frames that the sink took since the last call."""
        if (sink := self._sink) is None:
            return []
        try:
            taken = sink.taken()
        except SdcamError as fault:
            self._broke(fault)
            return []
        if taken:
            self.policy.works()
            if self.fault is not None:
                self.fault = None
                self._on_fault(None)
        return taken

    def reopen(self, output: OutputSettings) -> None:
        """Applies another size, rate or device."""
        self._drop()
        self._output = output
        self.policy.forget()
        self._open_due = True

    def close(self) -> SdcamError | None:
        """Ends it. Returns a fault that came to light at the end, if any."""
        self._closed = True
        for thread in (self._opening, self._closing):
            if thread is not None:
                thread.join(_CLOSE_SECONDS)
        with self._lock:
            sink, self._sink = self._sink, None
        return sink.close() if sink else None

    def report_late_fault(self, fault: SdcamError) -> None:
        """A fault that came to light when it closed."""
        self.fault = fault
        self._on_fault(fault)

    def _open_in_background(self) -> None:
        try:
            self._open()
        except SdcamError as fault:
            self._failed(fault)
        finally:
            self._opening = None

    def _open(self) -> None:
        if fault := self._lingering.fault():
            raise fault
        sink: AsyncSink
        if self.reconnects:
            sink = SinkProcess(self.spec, self._output, self._lingering, lambda: self._closed)
        else:
            sink = LocalSink(open_sink(self.spec, self._output))
        with self._lock:
            if not self._closed:
                self._sink, self.name = sink, sink.name
                return
        sink.close()

    def _broke(self, fault: SdcamError) -> None:
        self._drop()
        self._failed(fault)
        self.restarts += 1

    def _failed(self, fault: SdcamError) -> None:
        if self._closed:
            return
        self.fault = fault
        self.policy.failed(fault)
        self._on_fault(fault)

    def _drop(self) -> None:
        """Closes the sink in the background: a driver that hangs must not stop the output."""
        with self._lock:
            sink, self._sink = self._sink, None
        if sink is not None:
            self._closing = threading.Thread(target=sink.close, name="close-output", daemon=True)
            self._closing.start()
