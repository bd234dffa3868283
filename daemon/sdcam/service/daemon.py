"""The service itself: startup, main loop, shutdown, from top to bottom."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdcam import __version__
from sdcam.engines.plan import LARGEST_FRAME_BUFFERS, ModelSpec
from sdcam.errors import SdcamError
from sdcam.obs import CaptionFile, SideBySide, caption_file, side_by_side_socket
from sdcam.pipeline.look import Look
from sdcam.service.configuration import Changes, Configuration
from sdcam.service.demand import Demand
from sdcam.service.instance import AlreadyRunningError, SingleInstance
from sdcam.service.notify import Notifier
from sdcam.service.pause import PauseMark
from sdcam.service.signals import stop_signals
from sdcam.service.situation import Situation
from sdcam.service.sleep import SleepClock
from sdcam.service.snapshot import write_png
from sdcam.service.status import ProcessTable, status_of
from sdcam.settings.styles import neighbour
from sdcam.settings.watcher import ConfigWatcher
from sdcam.workers.capture import MAX_FRAME_BYTES, CaptureWorker, SourceSpec
from sdcam.workers.frame_pool import FramePool, FrameSlots
from sdcam.workers.inference import InferenceWorker
from sdcam.workers.output import OutputWorker, Pixels, View
from sdcam.workers.records import CameraFrame, StyledFrame

# Two granted to the capture process, one waiting, up to three in the model, one spare.
_CAMERA_SLOTS = 7
# One shown, one waiting to be shown, up to three in the model, one spare.
_STYLED_SLOTS = 6
# A bounded run gives up when there is no picture to count from. Big models take minutes to load.
_PATIENCE_NS = 300 * 10**9
_POLL_SECONDS = 0.05
_LOOK_SECONDS = 0.5  # and cameras are there 2 s after a sleep: within 3 s in all
_TURN_SECONDS = 2.0
_WAKE_SECONDS = 2.0  # cameras are not there at once (obs-studio#13252)


@dataclass(frozen=True)
class RunPlan:
    """What to run, and for how long."""

    configuration: Configuration  # its file is watched
    source: str = "camera"
    outputs: tuple[str, ...] = ("virtual-camera",)
    once: bool = False  # a file source ends the run
    seconds: float | None = None  # from the first picture on
    frames: int | None = None  # likewise, sent to the outputs
    control: bool = True  # listen on the control socket, be the only one
    patient: bool = False  # nobody reads an exit code: what is missing is waited for
    notifier: Notifier = field(default_factory=Notifier)  # the service manager, if there is one
    started_ns: int = field(default_factory=time.monotonic_ns)


class Daemon:
    """`run()` is the whole life. Every other public method may be called from any thread."""

    def __init__(self, plan: RunPlan) -> None:
        self.plan = plan
        self.configuration = plan.configuration
        self.settings = settings = plan.configuration.settings
        self.situation = Situation(settings.output.hold_seconds)
        self.processes = ProcessTable()
        self.fatal: SdcamError | None = None
        self._log = logging.getLogger("sdcam.service")
        self._should_exit = threading.Event()
        self._lock = threading.RLock()
        self._notifier = plan.notifier
        self._clock = SleepClock()
        self._caption = CaptionFile(caption_file()) if plan.control else None
        self._pause_mark = PauseMark(settings.service.socket_path)

        camera_pool = FramePool(FrameSlots.allocate(_CAMERA_SLOTS, MAX_FRAME_BYTES))
        styled_pool = FramePool(FrameSlots.allocate(_STYLED_SLOTS, LARGEST_FRAME_BUFFERS))
        self.output = OutputWorker(
            plan.outputs,
            settings.output,
            styled_pool,
            self.situation.card,
            self._view(),
            lambda fault: self._report("output", fault),
            plan.frames,
            self.stop,
            plan.patient,
        )
        self.inference = InferenceWorker(
            ModelSpec.of(settings),
            self._wanted_look(),
            camera_pool,
            styled_pool,
            self._on_styled,
            lambda fault: self._report("model", fault),
            lambda fault: self._report("prompt", fault),
        )
        self.capture = CaptureWorker(
            SourceSpec(plan.source, settings.camera, plan.once),
            camera_pool,
            self._on_captured,
            self._on_source_end,
            lambda fault: self._report("camera", fault),
        )
        self.demand = Demand(
            self.situation, plan.outputs, settings.output, self.capture, self.inference, self.output
        )

    def run(self) -> dict[str, Any]:
        """Returns when the run is over, with its last status as the summary.

        Raises:
            SdcamError: it could not start, or its last output broke.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(stop_signals(self.stop))
            self._log_beginning()
            if self.plan.control and not self._be_the_only_one(stack):
                return {}
            self._startup(stack)
            self._main_loop()
            self._notifier.stopping()
            alive = self.status()
        if self.fatal is not None:
            raise self.fatal
        # What was sent is known when the outputs are closed, who ran only before.
        ended = self.status()
        return {**alive, **{key: ended[key] for key in ("frames", "gap_ms", "latency_ms")}}

    def stop(self) -> None:
        """The only way out."""
        self._should_exit.set()

    @property
    def stopping(self) -> bool:
        return self._should_exit.is_set()

    def _log_beginning(self) -> None:
        file, error = self.configuration.file, self.configuration.error
        self._log.info("version %s, process %d, configuration %s", __version__, os.getpid(), file)
        if error:
            self._log.warning("%s Until it is mended: %s.", error, self.configuration.instead)

    def _be_the_only_one(self, stack: contextlib.ExitStack) -> bool:
        """False when it was stopped before its turn came."""
        waits = False
        while not self.stopping:
            try:
                stack.enter_context(SingleInstance(self.settings.service.socket_path))
                return True
            except AlreadyRunningError as fault:
                if not self.plan.patient:
                    raise
                if not waits:
                    self._log.warning("%s Waiting for its end.", fault.what)
                    self._notifier.ready()
                waits = True
                self._notifier.alive()
                self._should_exit.wait(_TURN_SECONDS)
        return False

    def _startup(self, stack: contextlib.ExitStack) -> None:
        if self.plan.control and stack.enter_context(self._pause_mark).found:
            self.situation.paused = True
            self._log.info("paused, as before the last end; `sdcam resume` goes on")
        # What the user sees comes first and goes last: the camera that apps have selected is there
        # (with a card) before the model is loaded, and until everything else has ended.
        stack.callback(self.output.stop)
        self.output.start()
        if self.plan.control:
            from sdcam.control.server import ControlServer

            stack.enter_context(ControlServer(self.settings.service.socket_path, self))
            stack.enter_context(SideBySide(side_by_side_socket(), self._shown_pair))
        self._write_caption()
        stack.callback(self.inference.stop)
        self.inference.start()
        stack.callback(self.capture.stop)
        stack.callback(self.demand.stop)
        self.demand.start()
        self.capture.start()
        if self.configuration.file is not None:
            watcher = ConfigWatcher(self.configuration.file, self._reload)
            stack.callback(watcher.stop)
            watcher.start()
            self._reload()  # what was edited since it was read
        self._notifier.ready()

    def _main_loop(self) -> None:
        while not self._should_exit.wait(min(self._seconds_left(), _LOOK_SECONDS)):
            if self._seconds_left() == 0.0:
                return
            self._look_after()

    def _look_after(self) -> None:
        """What nothing else would notice."""
        if self._clock.has_slept():
            self._log.info("the machine has slept; the camera is opened anew")
            self.inference.reset()
            self.capture.reopen(after_seconds=_WAKE_SECONDS)
        self.demand.unload_when_due()
        if self.output.beats:  # a watchdog guards what apps see, and nothing less
            self._notifier.alive()
        self._notifier.status(self.situation.sentence)

    def _seconds_left(self) -> float:
        """Of a bounded run, infinite for others; it counts from the first picture.

        Raises:
            SdcamError: there was none for so long that there will be none.
        """
        if self.plan.seconds is None and self.plan.frames is None:
            return math.inf
        first = self.output.first_picture_ns
        now = time.monotonic_ns()
        if first is None:
            if now - self.plan.started_ns > _PATIENCE_NS:
                raise SdcamError(
                    f"No picture came within {_PATIENCE_NS // 10**9} seconds.",
                    "The log above says what was waited for.",
                )
            return _POLL_SECONDS
        if self.plan.seconds is None:
            return math.inf
        return max(0.0, self.plan.seconds - (now - first) / 1e9)

    # What flows between the workers.

    def _on_captured(self, frame: CameraFrame) -> None:
        self.inference.offer(frame)

    def _on_styled(self, styled: StyledFrame) -> None:
        if self.situation.paused or not self.situation.watched:
            self.output.discard(styled)
        else:
            self.output.show(styled)

    def _on_source_end(self) -> None:
        self._log.info("the source is over")
        self.stop()

    def _report(self, part: str, fault: SdcamError | None) -> None:
        if not self.situation.report(part, fault):
            return
        if fault is None:
            self._log.info("%s: works again", part)
            return
        self._log.warning("%s: %s", part, fault)
        if self._is_fatal(part, fault):
            self.fatal = fault
            self.stop()

    def _is_fatal(self, part: str, fault: SdcamError) -> bool:
        """What never worked in this run, and what only the user can mend, ends it at once; what
        worked before is waited for. Outputs end the run when the last one is gone. A service waits
        for everything."""
        if self.plan.patient:
            return False
        if part == "output":
            return not self.output.alive
        if fault.exit_code == SdcamError.exit_code:
            return False
        return not (self.capture.frames.count if part == "camera" else self.inference.spec)

    # What the control socket and the command line ask for.

    def pause(self) -> None:
        """A card in place of the picture, the camera closed."""
        self.demand.pause(True)
        self._pause_mark.put()
        self._log.info("paused")

    def resume(self) -> None:
        self._pause_mark.take_away()
        self.demand.pause(False)
        self._log.info("resumed")

    def set(self, values: dict[str, object]) -> None:
        """Changes live keys, `{"look.prompt": "anime"}`.

        Raises:
            UsageError: an unknown key, a value out of bounds, a key that is not live.
        """
        with self._lock:
            self._apply(self.configuration.set(values))
        self._log.info("%s", self.configuration.in_words(values))

    def save(self, values: dict[str, object]) -> dict[str, object]:
        """`set` of keys of any effect, and into the configuration file: `Configuration.saved`.

        Raises:
            SdcamError: as `Configuration.save`; then nothing has changed.
        """
        with self._lock:
            self._reload()  # an edit that nobody has looked at yet comes first
            self._apply(self.configuration.save(values))
            self._log.info("saved: %s", self.configuration.in_words(values))
            return self.configuration.saved(values)

    def _reload(self) -> None:
        """The configuration file was edited."""
        with self._lock:
            before = self.configuration.error
            changes = self.configuration.reload()
            if changes is None:
                if str(before) != str(self.configuration.error):  # else the log has it already
                    self._log.warning("nothing is changed: %s", self.configuration.error)
                return
            if before:
                self._log.info("the configuration file is right again")
            if changes:
                self._log.info("the configuration changed: %s", ", ".join(sorted(changes.keys)))
                self._apply(changes)

    def _apply(self, changes: Changes) -> None:
        """Every part follows that is concerned, and no other; the output goes on."""
        self.settings = settings = changes.settings
        self.situation.hold_ns = round(settings.output.hold_seconds * 1e9)
        if changes.look:
            self.inference.apply_look(self._wanted_look())
            self.output.look(self._view())
            self._write_caption()
        self.demand.follow(settings.output)
        if changes.camera:
            self.inference.reset()
            self.capture.reopen(SourceSpec(self.plan.source, settings.camera, self.plan.once))
        if changes.model:
            self.inference.reload(ModelSpec.of(settings))
        if changes.output and not self.output.reopen(settings.output):
            self._log.warning("the recording keeps its size and rate until the next start")
        if "service.log_level" in changes.keys:
            logging.getLogger("sdcam").setLevel(settings.service.log_level.upper())
        if waiting := [key for key in changes.restart if key in self.configuration.waiting]:
            self._log.warning("%s: in force after a restart", ", ".join(waiting))

    def step_style(self, step: int, save: bool) -> str:
        """Goes `step` styles on in the gallery from the one on the air; returns the new one's name.

        Raises:
            SdcamError: it cannot be saved; then nothing has changed.
        """
        with self._lock:
            refused = "prompt" in self.situation.faults
            prompt = self.inference.prompt if refused else self.settings.look.prompt
            name = neighbour(self.settings.styles, prompt, step)
            (self.save if save else self.set)({"look.prompt": name})
            return name

    def newest(self) -> tuple[Pixels, Pixels] | None:
        """What the model saw last and what it painted, RGB (H, W, 3)."""
        return self.output.newest()

    def _shown_pair(self) -> tuple[Pixels, Pixels] | None:
        """`newest`, if the user wants it offered, while the output shows it: the camera is not
        seen behind a card."""
        offered = self.settings.output.side_by_side and not self.output.showing
        return self.newest() if offered else None

    def _write_caption(self) -> None:
        if self._caption is not None:
            self._caption.write(self.settings.prompt_text())

    def snapshot(self, path: Path) -> None:
        """Writes the newest styled picture as PNG.

        Raises:
            UsageError: not an absolute path of a PNG.
            SdcamError: there is none, or the file cannot be written.
        """
        if (pair := self.newest()) is None:
            raise SdcamError("There is no picture to save now.", "`sdcam status` says why.")
        write_png(path, pair[1])

    def status(self) -> dict[str, Any]:
        return status_of(self)

    def _wanted_look(self) -> Look:
        look = self.settings.look
        return Look(
            prompt=self.settings.prompt_text(),
            strength=look.strength,
            feedback=look.feedback,
            smoothing=look.smoothing,
            transition_seconds=look.transition_seconds,
            seed=look.seed,
            steps=look.steps,
            similarity=look.similarity,
        )

    def _view(self) -> View:
        output = self.settings.output
        return View(output.fit, self.settings.look.blend, output.mirror)
