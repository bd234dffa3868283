"""The thread that notices that somebody watches the virtual camera, or nobody any more."""

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
from sdcam.output.audience.debounce import Debounce
from sdcam.output.audience.sighting import Lookout, Patience, Sight, Sighting

_SETTLE_SECONDS = 0.05  # who only asked for the camera's name has closed it by then
_GLANCE_SECONDS = 0.1  # while a program has the camera open and it is not clear what for
_RETRY_SECONDS = 1.0
_READY_NS = 2 * 10**9  # a device that appears may not be opened in its first moments
_AWAY = (errno.ENOENT, errno.ENODEV, errno.ENXIO)

_log = logging.getLogger("sdcam.output")

OpenLookout = Callable[[str, Callable[[], Set[int]]], Lookout]


class AudienceWatcher:
    """Sleeps while nothing happens to the camera.

    Where it cannot be known whether anybody watches, somebody may: `watched` is True then, and
    `watchers` None.
    """

    def __init__(
        self,
        device: str,
        on_change: Callable[[bool], None] = lambda watched: None,
        own_pids: Callable[[], Set[int]] = lambda: {os.getpid()},
        open_lookout: OpenLookout | None = None,
    ) -> None:
        """
        Args:
            device: the virtual camera, as in `VirtualCamera`. It may come later, go and come back.
            on_change: told of `watched` whenever it changes, from this object's thread; before the
                first call nobody watches. What it raises is logged and ends nothing.
            own_pids: the processes of this service, which are no audience.
            open_lookout: how to look at the device; None for the way of this system.
        """
        self.watched = False
        self.watchers: tuple[str, ...] | None = ()  # "chrome (1234)"; names may be None on a Mac
        self._device = device
        self._on_change = on_change
        self._own_pids = own_pids
        self._open_lookout = open_lookout or _open_lookout
        self._lookout: Lookout | None = None
        self._debounce = Debounce(Patience())
        self._refused_since: int | None = None
        self._should_stop = threading.Event()
        self._wake_reader, self._wake_writer = os.pipe()
        self._thread = threading.Thread(target=self._run, name="audience", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when no more calls will come; may be called twice, and from `on_change`."""
        if not self._should_stop.is_set():
            self._should_stop.set()
            os.close(self._wake_writer)  # wakes the reading end
            if self._thread.ident is None:
                os.close(self._wake_reader)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._should_stop.is_set():
            seen = self._look()
            now = time.monotonic_ns()
            if seen is None:
                self._debounce.watched = True
                self._take(True, None)
                self._sleep(_RETRY_SECONDS)
                continue
            self._debounce.see(seen.sight, now)
            watched = self._debounce.watched
            self._take(watched, seen.programs if watched else ())
            self._sleep(self._rest(seen, now))
        self._close()
        os.close(self._wake_reader)

    def _look(self) -> Sighting | None:
        """None: it cannot be known."""
        try:
            if self._lookout is None:
                self._lookout = self._open_lookout(self._device, self._own_pids)
                self._debounce.patience = self._lookout.patience
            seen = self._lookout.look()
        except Exception as error:  # whatever it is: this thread has to stay
            self._close()
            if self._is_refused(error):
                if self.watchers is not None:
                    _log.warning("it cannot be known who watches %s: %s", self._device, error)
                return None
            return Sighting(Sight.NOBODY, (), _RETRY_SECONDS)
        self._refused_since = None
        return seen

    def _is_refused(self, error: Exception) -> bool:
        """Whether the device is there, and has been for a while, and cannot be looked at."""
        if isinstance(error, MissingError) or (isinstance(error, OSError) and error.errno in _AWAY):
            self._refused_since = None
            return False
        now = time.monotonic_ns()
        self._refused_since = self._refused_since or now
        return now - self._refused_since >= _READY_NS

    def _take(self, watched: bool, programs: tuple[str, ...] | None) -> None:
        changed = watched != self.watched
        self.watched, self.watchers = watched, programs
        if not changed:
            return
        if watched:
            _log.info("watched by %s", ", ".join(programs or ()) or "somebody, perhaps")
        else:
            _log.info("nobody watches any more")
        try:
            self._on_change(watched)
        except Exception:
            _log.exception("the change of the audience could not be taken up")

    def _rest(self, seen: Sighting, now: int) -> float | None:
        """Seconds until another look is due although nothing happens."""
        rests = [] if seen.again_seconds is None else [seen.again_seconds]
        if (due := self._debounce.due()) is not None:
            rests.append(max(0.0, (due - now) / 1e9))
        if self._debounce.undecided:
            rests.append(_GLANCE_SECONDS)
        return min(rests, default=None)

    def _sleep(self, seconds: float | None) -> None:
        waiting = select.poll()
        waiting.register(self._wake_reader, select.POLLIN)
        if self._lookout is not None:
            for descriptor, mask in self._lookout.descriptors:
                waiting.register(descriptor, mask)
        # Never shorter than a millisecond: poll would round the last one down and spin.
        ready = waiting.poll(None if seconds is None else max(1.0, seconds * 1e3))
        if ready:
            self._should_stop.wait(_SETTLE_SECONDS)

    def _close(self) -> None:
        lookout, self._lookout = self._lookout, None
        if lookout is not None:
            lookout.close()


def _open_lookout(
    device: str, own_pids: Callable[[], Set[int]], platform: str = sys.platform
) -> Lookout:
    """
    Raises:
        MissingError: there is no such camera.
        OSError: it cannot be looked at on this system.
    """
    if platform == "linux":
        from sdcam.output.audience.loopback import open_loopback

        return open_loopback(device, own_pids)
    if platform == "darwin":
        from sdcam.output.audience.core_media_io import CameraExtensionLookout

        return CameraExtensionLookout()
    raise OSError(errno.ENOSYS, f"there is no way to look at a camera on {platform}")
