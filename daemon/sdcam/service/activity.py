"""When there is work, and which processes run then.

There is none in a pause, and with `output.on_demand` none while no app shows the virtual camera.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Final

from sdcam.output.viewers import ViewerWatcher
from sdcam.settings import OutputSettings

_log = logging.getLogger("sdcam.service")


@dataclass(frozen=True)
class Activity:
    """
    Attributes:
        paused: by the user.
        watched: an app shows the virtual camera, or it cannot be known.
        unloaded: there was no viewer for `output.unload_after`.
    """

    paused: bool = False
    watched: bool = True
    unloaded: bool = False

    @property
    def works(self) -> bool:
        return self.watched and not self.paused


@dataclass(frozen=True)
class ProcessRow:
    """A part of the service with processes of its own, and when these should run."""

    part: str
    should_run: Callable[[Activity], bool]
    why: str


# Every process of the service beside the daemon. Which stages a model process runs is the engine's
# choice (`engines.plan.LAYOUTS`); recordings have an ffmpeg process, which ends with the film.
PROCESSES: Final = (
    ProcessRow("output", lambda now: True, "apps list the camera as long as frames arrive"),
    ProcessRow("capture", lambda now: now.works, "otherwise the camera and its light are off"),
    ProcessRow("model", lambda now: not now.unloaded, "stays loaded in a pause, to resume at once"),
)


class ActivityGate:
    """Decides the activity and tells it. Every method may be called from any thread.

    Args:
        outputs: specs; viewers are those of the first virtual camera among them.
        apply: told of the activity at the start and whenever it changes, under the gate's lock.
        own_pids: the processes of this service, which are no viewers.
        paused: at the start.
    """

    def __init__(
        self,
        outputs: Sequence[str],
        settings: OutputSettings,
        apply: Callable[[Activity], None],
        own_pids: Callable[[], Set[int]],
        paused: bool = False,
    ) -> None:
        self.activity = Activity(paused=paused)
        self._outputs = outputs
        self._settings = settings
        self._apply = apply
        self._own_pids = own_pids
        self._records = any(spec.startswith("file:") for spec in outputs)  # watched later
        self._watcher: ViewerWatcher | None = None
        self._paused = paused
        self._unwatched_since: float | None = None
        self._stopped = False
        self._lock = threading.RLock()

    @property
    def watchers(self) -> tuple[str, ...] | None:
        """The programs that show the virtual camera; None if that cannot be known."""
        watcher = self._watcher
        return watcher.watchers if watcher else None

    def start(self) -> None:
        self._watch(self._device())
        self._decide(always=True)

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
        self._watch(None)

    def pause(self, paused: bool) -> None:
        self._paused = paused
        self._decide()

    def configure(self, settings: OutputSettings) -> None:
        """Applies changed settings."""
        with self._lock:
            before, self._settings = self._settings, settings
        if before.device != settings.device:
            self._watch(self._device())
        self._decide()

    def tick(self) -> None:
        """Call now and then: unloads the model when its time has come."""
        self._decide()

    def _decide(self, always: bool = False) -> None:
        with self._lock:
            if self._stopped:
                return
            settings, watcher = self._settings, self._watcher
            rests = settings.on_demand and watcher is not None and not watcher.watched
            watched = not rests or self._records
            now = time.monotonic()
            if watched:
                self._unwatched_since = None
            elif self._unwatched_since is None:
                self._unwatched_since = now
            since, after = self._unwatched_since, settings.unload_after
            unloaded = bool(after) and since is not None and now - since > after
            before, self.activity = self.activity, Activity(self._paused, watched, unloaded)
            if self.activity.unloaded and not before.unloaded:
                _log.info("no viewer for %g seconds: unloading the model", after)
            if always or self.activity != before:
                self._apply(self.activity)

    def _device(self) -> str | None:
        for spec in self._outputs:
            kind, _, device = spec.partition(":")
            if kind == "virtual-camera":
                return device or self._settings.device
        return None

    def _watch(self, device: str | None) -> None:
        with self._lock:
            before, self._watcher = self._watcher, None
            if device is not None and not self._stopped:
                self._watcher = ViewerWatcher(device, lambda _: self._decide(), self._own_pids)
                self._watcher.start()
        if before is not None:  # not under the lock, which its thread may wait for
            before.stop()
