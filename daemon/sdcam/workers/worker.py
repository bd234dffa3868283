"""What the workers that own a process have in common: a thread that keeps it running.

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
from sdcam.workers.child import Child
from sdcam.workers.wakeup import Wakeup

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_PAUSE_FOR_THE_USER = 2.0

FaultReport = Callable[[SdcamError | None], None]


class ProcessWorker(ABC):
    """
    Args:
        name: "capture", "model".
        on_fault: told of every fault, and None when the part works again.
    """

    def __init__(self, name: str, on_fault: FaultReport) -> None:
        self.name = name
        self.starts = 0
        self._on_fault = on_fault
        self._log = logging.getLogger(f"sdcam.{name}")
        self._wakeup = Wakeup()
        self._wanted = True
        self._stopping = False
        self._child: Child | None = None
        self._pause = _FIRST_PAUSE
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def pid(self) -> int | None:
        child = self._child
        return child.pid if child else None

    @property
    def restarts(self) -> int:
        return max(0, self.starts - 1)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the process and the thread."""
        self._stopping = True
        self._wakeup.ring()
        self._thread.join()
        self._wakeup.close()

    def want(self, wanted: bool) -> None:
        """False ends the process until it is wanted again (pause, nobody watches)."""
        self._wanted = wanted
        self._wakeup.ring()

    @abstractmethod
    def _spawn(self) -> Child:
        """Starts the process."""

    @abstractmethod
    def _serve(self, child: Child) -> None:
        """Works with the process until `_active` is False; raises SdcamError on a fault."""

    @abstractmethod
    def _reclaim(self) -> None:
        """Takes back what the process held. It is gone when this is called."""

    @property
    def _active(self) -> bool:
        return self._wanted and not self._stopping

    def _works(self) -> None:
        """To be called at every sign of success: ends the fault and its pauses."""
        self._pause = _FIRST_PAUSE
        self._on_fault(None)

    def _run(self) -> None:
        while not self._stopping:
            if not self._wanted:
                self._wakeup.wait(60.0)
                continue
            fault = self._run_once()
            if fault is not None and self._active:
                self._on_fault(fault)
                self._rest(fault)

    def _run_once(self) -> SdcamError | None:
        self.starts += 1
        child = self._child = self._spawn()
        try:
            self._serve(child)
        except (EOFError, ConnectionResetError, BrokenPipeError):
            child.wait(1.0)
            return SdcamError(f"The {self.name} process {child.how_it_ended()}.", "Restarting it.")
        except SdcamError as fault:
            return fault
        finally:
            self._child = None
            child.stop()
            self._reclaim()
        return None

    def _rest(self, fault: SdcamError) -> None:
        seconds = self._pause
        if isinstance(fault, (MissingError, UsageError)):
            seconds = _PAUSE_FOR_THE_USER
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        until = time.monotonic() + seconds
        while self._active and (left := until - time.monotonic()) > 0:
            self._wakeup.wait(left)
