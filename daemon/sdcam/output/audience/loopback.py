"""Looking at a v4l2loopback device (Linux)."""

from __future__ import annotations

import logging
import os
import select
from collections.abc import Callable, Set

from sdcam.output.audience.client_usage import ClientUsage
from sdcam.output.audience.openers import UNSEEN, Opener, Openers
from sdcam.output.audience.openings import Openings
from sdcam.output.audience.sighting import Lookout, Patience, Sight, Sighting
from sdcam.output.loopback import find_loopback

# They have cameras open to hand them on: only when they take pictures is somebody watching. (The
# kernel keeps 15 letters of a name.)
_GO_BETWEENS = {"pipewire", "wireplumber", "pipewire-media-"}
_AGAIN_SECONDS = 1.0

_log = logging.getLogger("sdcam.output")


def open_loopback(device: str, own_pids: Callable[[], Set[int]]) -> Lookout:
    """
    Raises:
        MissingError: there is no such device.
        OSError: it cannot be watched.
    """
    node = os.path.realpath(find_loopback(device))
    openers = Openers(node)
    try:
        usage = ClientUsage(node)
    except OSError as error:
        _log.debug("%s does not say who streams (%s): who opens it counts", node, error)
        return OpeningsLookout(Openings(node), openers, own_pids)
    return StreamingLookout(usage, openers, own_pids)


class StreamingLookout:
    """The driver says whether somebody takes pictures; /proc says who."""

    def __init__(
        self, usage: ClientUsage, openers: Openers, own_pids: Callable[[], Set[int]]
    ) -> None:
        self.patience = Patience()
        self.descriptors: tuple[tuple[int, int], ...] = ((usage.descriptor, select.POLLPRI),)
        self._usage = usage
        self._openers = openers
        self._own_pids = own_pids

    def look(self) -> Sighting:
        if not self._usage.update():
            return Sighting(Sight.NOBODY)
        others = self._openers.others(self._own_pids())
        taking = [opener for opener in others if opener.mapped] or others
        return Sighting(Sight.STREAMING, _names(taking) or (UNSEEN,))

    def close(self) -> None:
        self._usage.close()


class OpeningsLookout:
    """Older drivers: who has the device open, asked whenever somebody opened or closed it."""

    def __init__(
        self, openings: Openings, openers: Openers, own_pids: Callable[[], Set[int]]
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


def _names(openers: list[Opener]) -> tuple[str, ...]:
    return tuple(str(opener) for opener in openers)
