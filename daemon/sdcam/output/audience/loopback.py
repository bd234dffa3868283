"""Looking at a v4l2loopback device (Linux)."""

from __future__ import annotations

import errno
import logging
import os
import select
from collections.abc import Callable, Set

from sdcam.output.audience.client_usage import ClientUsage
from sdcam.output.audience.sighting import Lookout, Patience, Sight, Sighting
from sdcam.platforms.device_users import HIDDEN_PROGRAM, DeviceUser, DeviceUsers
from sdcam.platforms.inotify import InotifyWatch
from sdcam.platforms.loopback import find_loopback

# They have cameras open to hand them on: only when they take pictures is somebody watching. (The
# kernel keeps 15 letters of a name.)
_GO_BETWEENS = {"pipewire", "wireplumber", "pipewire-media-"}
_AGAIN_SECONDS = 1.0

_log = logging.getLogger("sdcam.output")


def open_loopback(device: str, own_pids: Callable[[], Set[int]]) -> Lookout:
    """
    Raises:
        MissingError: there is no such device.
        OSError: it cannot be watched; ENODEV while this service does not write to it.
    """
    node = os.path.realpath(find_loopback(device))
    openers = DeviceUsers(node)
    if not openers.times_open(own_pids()):
        raise _nobody_writes()
    openings = InotifyWatch(node)
    try:
        usage = ClientUsage(node)
    except OSError as error:
        _log.debug("%s does not say who streams (%s): who opens it counts", node, error)
        return OpeningsLookout(openings, openers, own_pids)
    return StreamingLookout(usage, openings, openers, own_pids)


class StreamingLookout:
    """The driver says whether somebody takes pictures; /proc says who.

    Listening keeps the device open, and an open one cannot be unloaded. So it ends when this
    service no longer writes to the device: there is nothing to watch then.
    """

    def __init__(
        self,
        usage: ClientUsage,
        openings: InotifyWatch,
        openers: DeviceUsers,
        own_pids: Callable[[], Set[int]],
    ) -> None:
        self.patience = Patience()
        self.descriptors: tuple[tuple[int, int], ...] = (
            (usage.descriptor, select.POLLPRI),
            (openings.descriptor, select.POLLIN),
        )
        self._usage = usage
        self._openings = openings
        self._openers = openers
        self._own_pids = own_pids
        self._programs: tuple[str, ...] = ()

    def look(self) -> Sighting:
        opened = self._openings.take()
        if opened and self._openers.times_open(self._own_pids()) <= 1:  # that one is `usage`
            raise _nobody_writes()
        was_streaming = self._usage.streaming
        if not self._usage.update():
            return Sighting(Sight.NOBODY)
        if opened or not was_streaming:
            others = self._openers.others(self._own_pids())
            taking = [opener for opener in others if opener.mapped] or others
            self._programs = _names(taking) or (HIDDEN_PROGRAM,)
        return Sighting(Sight.STREAMING, self._programs)

    def close(self) -> None:
        self._usage.close()
        self._openings.close()


class OpeningsLookout:
    """Older drivers: who has the device open, asked whenever somebody opened or closed it."""

    def __init__(
        self, openings: InotifyWatch, openers: DeviceUsers, own_pids: Callable[[], Set[int]]
    ) -> None:
        self.patience = Patience()
        self.descriptors: tuple[tuple[int, int], ...] = ((openings.descriptor, select.POLLIN),)
        self._openings = openings
        self._openers = openers
        self._own_pids = own_pids

    def look(self) -> Sighting:
        self._openings.take()
        others = self._openers.others(self._own_pids())
        watching = [o for o in others if o.mapped or o.name not in _GO_BETWEENS]
        # That memory is mapped is not announced; programs that only open are asked once more.
        again = _AGAIN_SECONDS if len(watching) < len(others) else None
        if any(opener.mapped for opener in watching):
            return Sighting(Sight.STREAMING, _names(watching), again)
        if watching:
            return Sighting(Sight.OPEN, _names(watching), again)
        return Sighting(Sight.NOBODY, (), again)

    def close(self) -> None:
        self._openings.close()


def _nobody_writes() -> OSError:
    return OSError(errno.ENODEV, "nothing of this service writes to the device")


def _names(openers: list[DeviceUser]) -> tuple[str, ...]:
    return tuple(str(opener) for opener in openers)
