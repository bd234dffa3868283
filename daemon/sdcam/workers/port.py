"""One output of the service, and its coming back."""

from __future__ import annotations

import time

from sdcam.errors import SdcamError
from sdcam.output import Sink, open_sink
from sdcam.settings import OutputSettings

_REOPEN_SECONDS = 2.0

Shape = tuple[str, int, int]  # pixel format, width, height


class Port:
    """A virtual camera comes back; a recording that broke is over, because what follows would be
    another film.

    Args:
        spec: "virtual-camera", "file:PATH", "null".
        output: size and rate.
        patient: one that cannot be opened is tried again, like one that broke.

    Raises:
        SdcamError: it cannot be opened, and nobody is patient or it would not come back.
    """

    def __init__(self, spec: str, output: OutputSettings, patient: bool = False) -> None:
        self.spec = spec
        self.is_film = spec.startswith("file:")
        self.comes_back = spec.startswith("virtual-camera")
        self.sink: Sink | None = None
        self.name = spec
        self.fault: SdcamError | None = None
        self._output = output
        self._expected = False  # to be opened again, once
        self._retry_at = 0.0
        try:
            self._open()
        except SdcamError as fault:
            if not (patient and self.comes_back):
                raise
            self._failed(fault)

    @property
    def alive(self) -> bool:
        """Whether it is there or can come back."""
        return self.sink is not None or self.comes_back or self._expected

    @property
    def shape(self) -> Shape:
        """Of the frames that it takes, while it is open."""
        assert self.sink is not None
        return self.sink.pixel_format, self._output.width, self._output.height

    def report(self) -> dict[str, float]:
        """What the sink measures of itself; nothing while it is away. For any thread."""
        sink = self.sink
        return sink.report() if sink else {}

    def reopen(self, output: OutputSettings) -> None:
        """Takes another size, rate or device: opened anew with the next frame."""
        self.close()
        self._output = output
        self._retry_at = 0.0
        self._expected = True

    def ready(self) -> bool:
        """Whether it takes a frame now; one that is due is opened again.

        Raises:
            SdcamError: it cannot be opened; it is tried again later.
        """
        expected = self.comes_back or self._expected
        if self.sink is None and expected and time.monotonic() >= self._retry_at:
            self._expected = False
            try:
                self._open()
            except SdcamError as fault:
                self._failed(fault)
                raise
        return self.sink is not None

    def failed(self, fault: SdcamError) -> None:
        """It took a frame no more."""
        self.close()
        self._failed(fault)

    def close(self) -> SdcamError | None:
        """What came to light at the end, if anything."""
        sink, self.sink = self.sink, None
        return sink.close() if sink else None

    def _open(self) -> None:
        self.sink = open_sink(self.spec, self._output)
        self.name = self.sink.name
        self.fault = None

    def _failed(self, fault: SdcamError) -> None:
        self.fault = fault
        self._retry_at = time.monotonic() + _REOPEN_SECONDS
