"""The service itself: startup, main loop, shutdown, from top to bottom."""

from __future__ import annotations

import logging
import math
import os
import signal
import time
from typing import Any

from sdcam import __version__
from sdcam.control.server import ControlServer
from sdcam.engines.plan import LARGEST_FRAME_BUFFERS, ModelSpec
from sdcam.errors import ExitCode, SdcamError
from sdcam.models.registry import models_folder
from sdcam.obs import CaptionFile, SideBySide, caption_file, side_by_side_socket
from sdcam.pipeline.look import UnknownPromptError
from sdcam.service.activity import PROCESSES, Activity, ActivityGate
from sdcam.service.changes import ChangeProbe
from sdcam.service.commands import Commands
from sdcam.service.configuration import Changes
from sdcam.service.health import ServiceHealth
from sdcam.service.instance import AlreadyRunningError, SingleInstance
from sdcam.service.log import limit_stderr
from sdcam.service.look_control import LookControl
from sdcam.service.pause import PauseMark
from sdcam.service.run_plan import RunPlan
from sdcam.service.sleep import SleepClock
from sdcam.service.start_attempts import StartAttempts
from sdcam.service.status import ProcessStats
from sdcam.service.stop_signals import stop_signals
from sdcam.settings import Settings
from sdcam.settings.watcher import ConfigWatcher
from sdcam.workers.capture import MAX_FRAME_BYTES, CaptureWorker, SourceSpec
from sdcam.workers.frame_pool import FramePool
from sdcam.workers.inference import InferenceWorker
from sdcam.workers.output import OutputWorker, View
from sdcam.workers.records import StyledFrame
from sdcam.workers.wakeup import Wakeup

# Two granted to the capture process, one waiting, up to three in the model, one spare.
_CAMERA_SLOTS = 7
# One shown, one waiting to be shown, up to three in the model, one spare.
_STYLED_SLOTS = 6
# A bounded run gives up without a picture to count from. Big models take minutes to load.
_FIRST_PICTURE_NS = 300 * 10**9
_POLL_SECONDS = 0.05
_TICK_SECONDS = 0.5
_TURN_SECONDS = 2.0
_WAKE_SECONDS = 2.0  # after a sleep cameras are not there at once (obs-studio#13252)

_log = logging.getLogger("sdcam.service")


class Daemon:
    """`run()` is the whole life. Every other public method may be called from any thread."""

    def __init__(self, plan: RunPlan) -> None:
        self.plan = plan
        self.configuration = plan.configuration
        self.settings = settings = plan.configuration.settings
        self.health = ServiceHealth(settings.output.hold_seconds)
        self.process_stats = ProcessStats()
        self.look = LookControl(settings)
        self.fatal: SdcamError | None = None
        self._stop_requested = False
        self._stop_signal = 0
        self._attempts = StartAttempts(plan.patient)
        self._wakeup = Wakeup()
        self._clock = SleepClock()
        self._changes = ChangeProbe()
        socket = settings.service.socket_path
        self._instance = SingleInstance(socket)
        self.pause_mark = PauseMark(socket)
        self._camera_pool = FramePool(_CAMERA_SLOTS, MAX_FRAME_BYTES)
        self._styled_pool = FramePool(_STYLED_SLOTS, LARGEST_FRAME_BUFFERS)
        self.output = OutputWorker(
            plan.outputs,
            settings.output,
            self._styled_pool,
            self.health.card,
            _view_of(settings),
            lambda spec, fault: self._report(f"output:{spec}", fault),
            plan.frames,
            self.stop,
            plan.patient,
        )
        self.inference = InferenceWorker(
            ModelSpec.of(settings),
            self.look.look,
            self._camera_pool,
            self._styled_pool,
            self._on_styled,
            lambda fault: self._report("model", fault),
            plan.model_process,
        )
        self.capture = CaptureWorker(
            SourceSpec(plan.source, settings.camera, plan.once),
            self._camera_pool,
            self.inference.offer,
            self._on_source_end,
            lambda fault: self._report("camera", fault),
        )
        self.activity = ActivityGate(
            plan.outputs,
            settings.output,
            self._apply_activity,
            self._pids,
            paused=plan.control and self.pause_mark.found,
        )
        self.commands = Commands(self)
        self._control: ControlServer | None = None
        self._side_by_side: SideBySide | None = None
        self._caption = CaptionFile(caption_file()) if plan.control else None
        self._watcher: ConfigWatcher | None = None

    def run(self) -> dict[str, Any]:
        """Returns when the run is over, with its last status as the summary.

        Raises:
            SdcamError: it could not start, or its last output broke.
        """
        with stop_signals(self._on_signal, self._force_exit):
            summary: dict[str, Any] = {}
            try:
                if self._startup():
                    self._main_loop()
                    summary = self.commands.status()
            finally:
                self._shutdown()
        if self.fatal is not None:
            raise self.fatal
        if summary:  # frames that were in flight are counted only now; pids are valid only before
            ended = self.commands.status()
            summary |= {key: ended[key] for key in ("frames", "gap_ms", "latency_ms", "sinks")}
        return summary

    def stop(self) -> None:
        """The only way out."""
        self._stop_requested = True
        self._wakeup.ring()

    @property
    def stopping(self) -> bool:
        return self._stop_requested

    def _startup(self) -> bool:
        """False when the run was stopped before its turn came."""
        file, error = self.configuration.file, self.configuration.error
        _log.info("version %s, process %d, configuration %s", __version__, os.getpid(), file)
        if error:
            _log.warning("%s Until it is fixed: %s.", error, self.configuration.instead)
        if self.plan.control:
            if not self._await_turn():
                return False
            # Before any output: `sdcam status` answers even while a driver hangs.
            self._control = ControlServer(self.settings.service.socket_path, self.commands)
            self._control.open()
            self._side_by_side = SideBySide(side_by_side_socket(), self.commands.shown_pair)
            self._side_by_side.open()
            self.write_caption()
        # The model takes longest to start. The virtual camera is there, with a card, before it.
        self.inference.start()
        self.output.start()
        self.activity.start()
        self.capture.start()
        if self.configuration.file is not None:
            self._watcher = ConfigWatcher(self.configuration.file, self.commands.reload)
            self._watcher.start()
            self.commands.reload()  # edits since the file was read
        self.plan.notifier.ready()
        return True

    def _main_loop(self) -> None:
        while not self._stop_requested:
            if (left := self._seconds_left()) == 0.0:
                break
            self._wakeup.wait(min(left, _TICK_SECONDS))
            self._look_after()
        if self._stop_signal:
            _log.info("%s: stopping", signal.Signals(self._stop_signal).name)
        self.plan.notifier.stopping()

    def _shutdown(self) -> None:
        """Commands are refused first, then the workers stop; the output goes last. Every wait is
        bounded, and every part may have failed to start."""
        self.stop()
        if self._control is not None:
            self._control.refuse("The service is stopping.")
        if self._watcher is not None:
            self._watcher.stop()
        self.activity.stop()
        self.capture.request_stop()
        self.inference.request_stop()
        ended = [self.capture.stop(), self.inference.stop(), self.output.stop()]
        if self._side_by_side is not None:
            self._side_by_side.close()
        if self._control is not None:
            self._control.close()
        self._instance.release()
        if all(ended):
            self._camera_pool.close()
            self._styled_pool.close()
            self._wakeup.close()
        else:
            _log.warning("A thread did not end in time; the process ends without it.")

    def _on_signal(self, number: int) -> None:
        self._stop_signal = number
        self.stop()

    def _force_exit(self) -> None:
        """A second signal. Children end with this process, whatever they are doing."""
        # No logging here: another thread may hold its lock.
        os.write(2, b"Ended by a second signal. A recording may lack its last second.\n")
        os._exit(ExitCode.FAULT)

    def _await_turn(self) -> bool:
        """Waits until no other service runs; False when this one was stopped before."""
        waiting = False
        while not self._stop_requested:
            try:
                self._instance.acquire()
                return True
            except AlreadyRunningError as fault:
                if not self.plan.patient:
                    raise
                if not waiting:
                    _log.warning("%s Waiting until it ends.", fault.what)
                    self.plan.notifier.ready()
                waiting = True
                self.plan.notifier.alive()
                self._wakeup.wait(_TURN_SECONDS)
        return False

    def _look_after(self) -> None:
        """Twice a second: what nothing else would notice."""
        if self._clock.has_slept():
            _log.info("the machine was asleep; reopening the camera")
            self.capture.reopen(after_seconds=_WAKE_SECONDS)
        if self._changes.changed((models_folder(), models_folder() / self.settings.model.name)):
            self._retry_all()
        self.activity.tick()
        limit_stderr()
        if self.output.ticks:  # the watchdog guards what apps see, and nothing less
            self.plan.notifier.alive()
        self.plan.notifier.status(self.health.summary)

    def _retry_all(self) -> None:
        """Something changed that may end a permanent fault."""
        self.capture.retry_now()
        self.inference.retry_now()
        self.output.retry_now()

    def _seconds_left(self) -> float:
        """Of a bounded run, counted from the first picture; infinite for others.

        Raises:
            SdcamError: no picture arrived in a time in which every model loads.
        """
        if self.plan.seconds is None and self.plan.frames is None:
            return math.inf
        first = self.output.first_picture_ns
        now = time.monotonic_ns()
        if first is None:
            if now - self.plan.started_ns > _FIRST_PICTURE_NS:
                raise SdcamError(
                    f"No picture arrived within {_FIRST_PICTURE_NS // 10**9} seconds.",
                    "The log above says what was missing.",
                )
            return _POLL_SECONDS
        if self.plan.seconds is None:
            return math.inf
        return max(0.0, self.plan.seconds - (now - first) / 1e9)

    # What the workers tell.

    def _on_styled(self, styled: StyledFrame) -> None:
        if self.look.styled(styled):
            self.apply_look()
        self.output.show(styled)

    def _on_source_end(self) -> None:
        _log.info("the source has ended")
        self.stop()

    def _report(self, part: str, fault: SdcamError | None) -> None:
        if fault is None:
            self._attempts.worked(part)
            if self.health.report(part, None):
                _log.info("%s: works again", part)
            return
        last_words = self._attempts.last_words(part, fault, self.output.alive)
        if isinstance(fault, UnknownPromptError) and not last_words and self.look.fall_back(fault):
            # A model that does not know its first prompt begins with a style of the gallery.
            self.apply_look()
            self.inference.policy.forget()
            return
        self._attempts.failed(part)
        if self.health.report(part, fault):
            _log.warning("%s: %s", part, fault)
        if last_words := self._attempts.last_words(part, fault, self.output.alive):
            self.fatal = last_words
            self.stop()

    def _apply_activity(self, now: Activity) -> None:
        """Lets every process run or rest as the table says."""
        self.health.paused, self.health.watched = now.paused, now.watched
        workers = {"capture": self.capture.want, "model": self.inference.want}
        self.output.clear()  # what was captured before is not shown after
        for row in PROCESSES:
            if want := workers.get(row.part):
                want(row.should_run(now))
        if not now.works:
            self.health.closed("camera")
        self.output.rest(not now.watched)

    def apply_look(self) -> None:
        """Hands the look to the model, and tells of a prompt that was refused."""
        self.inference.look = self.look.look
        notice = self.look.notice
        if self.health.notice("prompt", notice) and notice is not None:
            _log.warning("prompt: %s", notice)

    def _pids(self) -> set[int]:
        return {pid for pid in self.pids().values() if pid is not None}

    def pids(self) -> dict[str, int | None]:
        """Of every process of the service, by name."""
        return {
            "daemon": os.getpid(),
            "capture": self.capture.pid,
            **self.inference.pids,
            **self.output.pids,
        }

    # What the commands change.

    def apply(self, changes: Changes) -> None:
        """Applies changed settings. Each concerned part follows, and no other; the output goes
        on."""
        self.settings = settings = changes.settings
        self.health.hold_ns = round(settings.output.hold_seconds * 1e9)
        if changes.look:
            self.look.configure(settings)
            self.apply_look()
            self.output.set_view(_view_of(settings))
            self.write_caption()
        self.activity.configure(settings.output)
        if changes.camera:
            self.capture.reopen(SourceSpec(self.plan.source, settings.camera, self.plan.once))
        if changes.model:
            self.look.model_changed()
            self.apply_look()
            self.inference.reload(ModelSpec.of(settings))
        if changes.output and not self.output.reopen(settings.output):
            _log.warning("the recording keeps its size and rate until the next start")
        if "service.log_level" in changes.keys:
            logging.getLogger("sdcam").setLevel(settings.service.log_level.upper())
        if waiting := [key for key in changes.restart if key in self.configuration.waiting]:
            _log.warning("%s: takes effect after a restart", ", ".join(waiting))
        self._retry_all()

    def write_caption(self) -> None:
        if self._caption is not None:
            self._caption.write(self.settings.prompt_text())


def _view_of(settings: Settings) -> View:
    return View(settings.output.fit, settings.look.blend, settings.output.mirror)
