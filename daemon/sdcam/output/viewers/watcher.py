"""The thread that notices that an app begins or ceases to show the virtual camera."""

from __future__ import annotations

import errno
import logging
import os
import select
import sys
import threading
import time
from collections.abc import Callable, Set

from sdcam.errors import MissingError
from sdcam.output.viewers.observation import Debounce, Observation, Thresholds, Use, ViewerProbe

_SETTLE_SECONDS = 0.05  # a program that only asks for the camera's name has closed it by then
_UNDECIDED_SECONDS = 0.1  # between probes while it is not clear what a program opened it for
_RETRY_SECONDS = 1.0
_STOP_SECONDS = 2.0  # for a probe that hangs in the system: its thread is given up
_READY_NS = 2 * 10**9  # a device that appears may refuse to be opened in its first moments
_AWAY = (errno.ENOENT, errno.ENODEV, errno.ENXIO)

_log = logging.getLogger("sdcam.output")

OpenProbe = Callable[[str, Callable[[], Set[int]]], ViewerProbe]


class ViewerWatcher:
    """Sleeps while nothing happens to the camera.

    Where it cannot be known whether anybody watches, `watched` is True and `watchers` None: the
    picture is worth more than the camera's light.
    """

    def __init__(
        self,
        device: str,
        on_change: Callable[[bool], None] = lambda watched: None,
        own_pids: Callable[[], Set[int]] = lambda: {os.getpid()},
        open_probe: OpenProbe | None = None,
    ) -> None:
        """
        Args:
            device: the virtual camera, as in `VirtualCamera`. It may appear later, go and come
                back.
            on_change: called with `watched` whenever that changes, from this object's thread.
                Before the first call nobody watches. An exception is logged.
            own_pids: the processes of this service, which are no viewers.
            open_probe: how to look at the device; None for the way of this system.
        """
        self.watched = False
        self.watchers: tuple[str, ...] | None = ()  # "chrome (pid 1234)"; None: names not known
        self._device = device
        self._on_change = on_change
        self._own_pids = own_pids
        self._open_probe = open_probe or open_system_probe
        self._probe: ViewerProbe | None = None
        self._debounce = Debounce(Thresholds())
        self._refused_since: int | None = None
        self._should_stop = threading.Event()
        self._wake_reader, self._wake_writer = os.pipe()
        self._thread = threading.Thread(target=self._run, name="viewers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when no more calls will come, or after two seconds in which the probe hangs. May
        be called twice, and from `on_change`."""
        if not self._should_stop.is_set():
            self._should_stop.set()
            os.close(self._wake_writer)  # makes the reading end ready
            if self._thread.ident is None:
                os.close(self._wake_reader)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._should_stop.is_set():
            observed = self._observe()
            now = time.monotonic_ns()
            if observed is None:
                self._debounce.watched = True
                self._report(True, None)
                self._sleep(_RETRY_SECONDS)
                continue
            self._debounce.update(observed.use, now)
            watched = self._debounce.watched
            self._report(watched, observed.programs if watched else ())
            self._sleep(self._seconds_to_next(observed, now))
        self._close_probe()
        os.close(self._wake_reader)

    def _observe(self) -> Observation | None:
        """None: it cannot be known."""
        try:
            if self._probe is None:
                self._probe = self._open_probe(self._device, self._own_pids)
                self._debounce.thresholds = self._probe.thresholds
            observed = self._probe.probe()
        except Exception as error:  # whatever it is: this thread has to stay
            self._close_probe()
            if self._is_refused(error):
                if self.watchers is not None:
                    _log.warning("cannot tell who watches %s: %s", self._device, error)
                return None
            return Observation(Use.NONE, (), _RETRY_SECONDS)
        self._refused_since = None
        return observed

    def _is_refused(self, error: Exception) -> bool:
        """Whether the device is there, and has been for a while, and cannot be looked at."""
        if isinstance(error, MissingError) or (isinstance(error, OSError) and error.errno in _AWAY):
            self._refused_since = None
            return False
        now = time.monotonic_ns()
        self._refused_since = self._refused_since or now
        return now - self._refused_since >= _READY_NS

    def _report(self, watched: bool, programs: tuple[str, ...] | None) -> None:
        changed = watched != self.watched
        self.watched, self.watchers = watched, programs
        if not changed:
            return
        if watched:
            _log.info("watched by %s", ", ".join(programs or ()) or "an unknown program, perhaps")
        else:
            _log.info("nobody watches any more")
        try:
            self._on_change(watched)
        except Exception:
            _log.exception("Internal error after a change of viewers")

    def _seconds_to_next(self, observed: Observation, now: int) -> float | None:
        """Until another probe is due although nothing happens; None: never."""
        waits = [] if observed.again_seconds is None else [observed.again_seconds]
        if (due := self._debounce.due()) is not None:
            waits.append(max(0.0, (due - now) / 1e9))
        if self._debounce.undecided:
            waits.append(_UNDECIDED_SECONDS)
        return min(waits, default=None)

    def _sleep(self, seconds: float | None) -> None:
        poll = select.poll()
        poll.register(self._wake_reader, select.POLLIN)
        if self._probe is not None:
            for descriptor, mask in self._probe.descriptors:
                poll.register(descriptor, mask)
        # At least a millisecond: poll rounds a shorter time down to 0, and this loop would spin.
        ready = poll.poll(None if seconds is None else max(1.0, seconds * 1e3))
        if ready:
            self._should_stop.wait(_SETTLE_SECONDS)

    def _close_probe(self) -> None:
        probe, self._probe = self._probe, None
        if probe is not None:
            probe.close()


def open_system_probe(
    device: str, own_pids: Callable[[], Set[int]], platform: str = sys.platform
) -> ViewerProbe:
    """
    Raises:
        MissingError: there is no such camera.
        OSError: it cannot be looked at on this system.
    """
    if platform == "linux":
        from sdcam.output.viewers.loopback import open_loopback_probe

        return open_loopback_probe(device, own_pids)
    if platform == "darwin":
        from sdcam.output.viewers.obs_camera import ObsProbe

        return ObsProbe()
    raise OSError(errno.ENOSYS, f"there is no way to look at a camera on {platform}")
