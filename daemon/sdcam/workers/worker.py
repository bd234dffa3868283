"""What the workers that own processes have in common: a thread that keeps them running.

Alive means that it answers in time. A process that died or hangs is replaced, after a pause that
doubles from one failure to the next; a fault that only the user can mend (no camera, no
permission, no model) is tried again at leisure. The pauses end when a frame comes through.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from sdcam.errors import MissingError, SdcamError, UsageError
from sdcam.workers.wakeup import Wakeup

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0
_HOPEFUL_FAILURES = 12  # one after the other, for some twenty seconds
_HOPELESS_PAUSE = 15.0
_PAUSE_FOR_THE_USER = 2.0
_NOT_WANTED_SECONDS = 60.0
_STUMBLE_PAUSE = 2.0

FaultReport = Callable[[SdcamError | None], None]


class Backoff:
    """When to start something again that has failed."""

    def __init__(self) -> None:
        self._failures = 0
        self._not_before = 0.0

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._not_before - time.monotonic())

    def rest(self, seconds: float) -> None:
        self._not_before = time.monotonic() + seconds

    def failed(self, fault: SdcamError) -> None:
        self._failures += 1
        pause = min(_FIRST_PAUSE * 2 ** (self._failures - 1), _LONGEST_PAUSE)
        if isinstance(fault, (MissingError, UsageError)):
            pause = _PAUSE_FOR_THE_USER
        elif self._failures > _HOPEFUL_FAILURES:
            pause = _HOPELESS_PAUSE
        self.rest(pause)

    def works(self) -> None:
        """It does: the next failure is the first one. A rest that was asked for stays."""
        self._failures = 0

    def forget(self) -> None:
        """Something else is started: nothing is known of it, and nothing waited for."""
        self._failures = 0
        self._not_before = 0.0


class Worker(ABC):
    """
    Args:
        name: "capture", "model".
        on_fault: told of every fault, and None when the part works again.
    """

    def __init__(self, name: str, on_fault: FaultReport) -> None:
        self.name = name
        self._on_fault = on_fault
        self._log = logging.getLogger(f"sdcam.{name}")
        self._wakeup = Wakeup()
        self._wanted = True
        self._stopping = False
        self._stumble = ""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the processes and the thread."""
        self._stopping = True
        self._wakeup.ring()
        self._thread.join()
        self._wakeup.close()

    def want(self, wanted: bool) -> None:
        """False ends the processes until they are wanted again (pause, nobody watches)."""
        self._wanted = wanted
        self._wakeup.ring()

    @abstractmethod
    def _work(self) -> None:
        """Works until `_active` is False, or until it has to begin anew; leaves no process."""

    def _stand_by(self) -> None:
        """Waits, not wanted for now; what would save time later can be made ready."""
        self._wakeup.wait(_NOT_WANTED_SECONDS)

    @property
    def _active(self) -> bool:
        return self._wanted and not self._stopping

    def _run(self) -> None:
        while not self._stopping:
            try:
                if self._wanted:
                    self._work()
                else:
                    self._stand_by()
            except Exception as error:  # whatever it is: without this thread nothing comes back
                self._stumbled(error)

    def _stumbled(self, error: Exception) -> None:
        if self._stumble != (stumble := repr(error)):  # else the log has it already
            self._stumble = stumble
            self._log.exception("a mistake in this program")
        self._on_fault(SdcamError(f"The {self.name} stumbled: {error!r}.", "It begins anew."))
        self._wakeup.wait(_STUMBLE_PAUSE)

    def _rest(self, backoff: Backoff) -> None:
        while self._active and (left := backoff.seconds_left) > 0:
            self._wakeup.wait(left)
