"""Whether there is work: none in a pause, and with `output.on_demand` none while nobody watches."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence

from sdcam.output.viewers import ViewerWatcher
from sdcam.service.situation import Situation
from sdcam.settings import OutputSettings
from sdcam.workers.capture import CaptureWorker
from sdcam.workers.inference import InferenceWorker
from sdcam.workers.output import OutputWorker

_log = logging.getLogger("sdcam.service")


class Demand:
    """Tells the workers to work or to rest. Every method may be called from any thread.

    Args:
        outputs: specs; the audience is that of the first virtual camera among them.
    """

    def __init__(
        self,
        situation: Situation,
        outputs: Sequence[str],
        settings: OutputSettings,
        capture: CaptureWorker,
        inference: InferenceWorker,
        output: OutputWorker,
    ) -> None:
        self._situation = situation
        self._outputs = outputs
        self._settings = settings
        self._records = any(spec.startswith("file:") for spec in outputs)  # for somebody later
        self._capture, self._inference, self._output = capture, inference, output
        self._audience: ViewerWatcher | None = None
        self._works = True
        self._unwatched_since: float | None = None
        self._lock = threading.RLock()

    @property
    def watchers(self) -> tuple[str, ...] | None:
        """The programs that show the virtual camera; None if that cannot be known."""
        return self._audience.watchers if self._audience else None

    def start(self) -> None:
        self._look_at(self._device())
        self._decide()

    def stop(self) -> None:
        self._look_at(None)

    def pause(self, paused: bool) -> None:
        self._situation.paused = paused
        self._decide()

    def follow(self, settings: OutputSettings) -> None:
        """The settings have changed."""
        before, self._settings = self._settings, settings
        if before.device != settings.device:
            self._look_at(self._device())
        self._decide()

    def unload_when_due(self) -> None:
        """To be called now and then."""
        after, since = self._settings.unload_after, self._unwatched_since
        if not after or since is None:
            return
        if time.monotonic() - since > after and self._inference.pids:
            _log.info("nobody has watched for %g seconds: the model is unloaded", after)
            self._inference.want(False)

    def _decide(self) -> None:
        with self._lock:
            situation, audience = self._situation, self._audience
            rests = self._settings.on_demand and audience is not None and not audience.watched
            situation.watched = not rests or self._records
            if situation.watched:
                self._unwatched_since = None
            elif self._unwatched_since is None:
                self._unwatched_since = time.monotonic()
            worked, self._works = self._works, situation.watched and not situation.paused
            if self._works:
                self._inference.want(True)
            elif worked:
                self._output.clear()  # what is shown later is not what was seen before
                self._inference.reset()
            self._capture.want(self._works)
            if not self._works:
                situation.closed("camera")
            self._output.rest(not situation.watched)

    def _device(self) -> str | None:
        for spec in self._outputs:
            kind, _, device = spec.partition(":")
            if kind == "virtual-camera":
                return device or self._settings.device
        return None

    def _look_at(self, device: str | None) -> None:
        if self._audience is not None:
            self._audience.stop()
        self._audience = None
        if device is not None:
            self._audience = ViewerWatcher(device, lambda _: self._decide(), self._own_pids)
            self._audience.start()

    def _own_pids(self) -> set[int]:
        capture = self._capture.pid
        return {os.getpid(), *self._inference.pids.values(), *([capture] if capture else [])}
