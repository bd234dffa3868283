"""Viewers of a v4l2loopback device (Linux)."""

from __future__ import annotations

import errno
import logging
import os
import select
from collections.abc import Callable, Set

from sdcam.output.viewers.observation import Observation, Thresholds, Use, ViewerProbe
from sdcam.platforms import v4l2
from sdcam.platforms.device_users import HIDDEN_PROGRAM, DeviceUser, DeviceUsers
from sdcam.platforms.inotify import InotifyWatch
from sdcam.platforms.loopback import CLIENT_USAGE, find_loopback

# These open cameras to hand them on: they count as viewers only while they take pictures. (The
# kernel keeps 15 letters of a name.)
_GO_BETWEENS = {"pipewire", "wireplumber", "pipewire-media-"}
_AGAIN_SECONDS = 1.0

_log = logging.getLogger("sdcam.output")


def open_loopback_probe(device: str, own_pids: Callable[[], Set[int]]) -> ViewerProbe:
    """
    Args:
        device: label or node of the virtual camera.
        own_pids: the processes of this service.

    Raises:
        MissingError: there is no such device.
        OSError: it cannot be watched; ENODEV while this service does not write to it.
    """
    node = os.path.realpath(find_loopback(device))
    users = DeviceUsers(node)
    if not users.times_open(own_pids()):
        raise _not_written()
    watch = InotifyWatch(node)
    try:
        usage = ClientUsage(node)
    except OSError as error:
        _log.debug("%s does not announce streaming (%s): its users are looked up", node, error)
        return UsersProbe(watch, users, own_pids)
    return StreamingProbe(usage, watch, users, own_pids)


class ClientUsage:
    """The driver's event that its camera is streamed (v4l2loopback 0.13.2, 0.14, 0.15). Subscribed
    as long as it is open; writer and readers do not notice."""

    def __init__(self, node: str) -> None:
        """Raises OSError: an older driver, or the node cannot be opened."""
        self.streaming = False
        self.descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            v4l2.subscribe(self.descriptor, CLIENT_USAGE)
        except OSError:
            self.close()
            raise

    def update(self) -> bool:
        """Reads what the driver has said since; returns whether an app takes pictures now.

        Raises:
            OSError: the device is gone.
        """
        for kind, clients in v4l2.events(self.descriptor):
            if kind == CLIENT_USAGE:
                self.streaming = clients > 0
        return self.streaming

    def close(self) -> None:
        os.close(self.descriptor)


class StreamingProbe:
    """Newer drivers: the driver says whether an app takes pictures, /proc says which one.

    Listening keeps the device open, and an open one cannot be unloaded. So it ends when this
    service no longer writes to the device: nobody can watch it then.
    """

    def __init__(
        self,
        usage: ClientUsage,
        watch: InotifyWatch,
        users: DeviceUsers,
        own_pids: Callable[[], Set[int]],
    ) -> None:
        self.thresholds = Thresholds()
        self.descriptors: tuple[tuple[int, int], ...] = (
            (usage.descriptor, select.POLLPRI),
            (watch.descriptor, select.POLLIN),
        )
        self._usage = usage
        self._watch = watch
        self._users = users
        self._own_pids = own_pids
        self._programs: tuple[str, ...] = ()

    def probe(self) -> Observation:
        opened = self._watch.take()
        if opened and self._users.times_open(self._own_pids()) <= 1:  # that one is `usage`
            raise _not_written()
        was_streaming = self._usage.streaming
        if not self._usage.update():
            return Observation(Use.NONE)
        if opened or not was_streaming:
            others = self._users.others(self._own_pids())
            taking = [user for user in others if user.mapped] or others
            self._programs = _names(taking) or (HIDDEN_PROGRAM,)
        return Observation(Use.STREAMING, self._programs)

    def close(self) -> None:
        self._usage.close()
        self._watch.close()


class UsersProbe:
    """Older drivers: the programs that have the device open, looked up whenever any opens or closes
    it."""

    def __init__(
        self, watch: InotifyWatch, users: DeviceUsers, own_pids: Callable[[], Set[int]]
    ) -> None:
        self.thresholds = Thresholds()
        self.descriptors: tuple[tuple[int, int], ...] = ((watch.descriptor, select.POLLIN),)
        self._watch = watch
        self._users = users
        self._own_pids = own_pids

    def probe(self) -> Observation:
        self._watch.take()
        others = self._users.others(self._own_pids())
        viewers = [user for user in others if user.mapped or user.name not in _GO_BETWEENS]
        # Nothing announces that memory is mapped: as long as a go-between has the device open, it
        # is looked up again.
        again = _AGAIN_SECONDS if len(viewers) < len(others) else None
        if any(user.mapped for user in viewers):
            return Observation(Use.STREAMING, _names(viewers), again)
        if viewers:
            return Observation(Use.OPEN, _names(viewers), again)
        return Observation(Use.NONE, (), again)

    def close(self) -> None:
        self._watch.close()


def _not_written() -> OSError:
    return OSError(errno.ENODEV, "this service does not write to the device")


def _names(users: list[DeviceUser]) -> tuple[str, ...]:
    return tuple(str(user) for user in users)
