"""What the workers that own processes share: a thread that keeps the processes running."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from sdcam.errors import SdcamError
from sdcam.workers.child import LingeringChildren
from sdcam.workers.restart_policy import RestartPolicy
from sdcam.workers.wakeup import Wakeup

_NOT_WANTED_SECONDS = 60.0
_STOP_SECONDS = 5.0

FaultReport = Callable[[SdcamError | None], None]


class Worker(ABC):
    """
    Attributes:
        restarts: starts after a failure. Pauses, edits and wakes do not count.

    Args:
        name: "capture", "model".
        on_fault: told of every failure, and None when the part works again.
    """

    def __init__(self, name: str, on_fault: FaultReport) -> None:
        self.name = name
        self.restarts = 0
        self.policy = RestartPolicy()
        self._on_fault = on_fault
        self._log = logging.getLogger(f"sdcam.{name}")
        self._wakeup = Wakeup()
        self._lingering = LingeringChildren()
        self._wanted = True
        self._interrupted = False
        self._stopping = False
        self._last_error = ""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def request_stop(self) -> None:
        """Returns at once; several workers can end side by side."""
        self._stopping = True
        self._wakeup.ring()

    def stop(self, seconds: float = _STOP_SECONDS) -> bool:
        """Ends the processes and the thread. False when they did not end in time."""
        self.request_stop()
        if self._thread.ident is None:  # never started
            self._wakeup.close()
            return True
        self._thread.join(seconds)
        if self._thread.is_alive():
            return False
        self._wakeup.close()
        return True

    def want(self, wanted: bool) -> None:
        """False ends the processes until they are wanted again (pause, no viewer)."""
        if wanted != self._wanted:
            self._wanted = wanted
            # However short the pause: what ran before it ends.
            self._interrupted = self._interrupted or not wanted
            self._wakeup.ring()

    def retry_now(self) -> None:
        """Ends the delay after a failure, because something relevant changed."""
        if self.policy.seconds_left > 0:
            self.policy.retry_now()
            self._wakeup.ring()

    @abstractmethod
    def _work(self) -> None:
        """Works until `_active` is False or the processes have to start again; leaves none."""

    def _stand_by(self, seconds: float) -> None:
        """Waits while not wanted or between restarts. May prepare what saves time later."""
        self._wakeup.wait(seconds)

    @property
    def _active(self) -> bool:
        return self._wanted and not self._stopping and not self._interrupted

    def _run(self) -> None:
        while not self._stopping:
            self._interrupted = False
            try:
                if not self._wanted:
                    self._stand_by(_NOT_WANTED_SECONDS)
                elif (left := self.policy.seconds_left) > 0:
                    self._stand_by(left)
                elif fault := self._lingering.fault():
                    self._failed(fault)
                else:
                    self._work()
            except SdcamError as fault:
                self._failed(fault)
            except Exception as error:  # without this thread the part would never come back
                if self._last_error != (text := repr(error)):  # else the log has it already
                    self._last_error = text
                    self._log.exception("internal error")
                self._failed(SdcamError(f"Internal error in {self.name}: {error!r}.", "Retrying."))

    def _failed(self, fault: SdcamError) -> None:
        if not self._active:
            return
        self.policy.failed(fault)
        self._on_fault(fault)
        # Increment last, so that a reader who sees the new count also sees the fault.
        self.restarts += 1
