"""What the service tells systemd (sd_notify(3)): that it is ready, what it does, that it lives.

The protocol is a datagram of KEY=VALUE lines to the socket in $NOTIFY_SOCKET. Where nobody listens
(a terminal, launchd) every method does nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import MutableMapping

_SOCKET = "NOTIFY_SOCKET"
_WATCHDOG = "WATCHDOG_USEC"
_WATCHDOG_PID = "WATCHDOG_PID"


class Notifier:
    """May be used from any thread.

    Args:
        address: path of the socket; "@..." is a name in the abstract namespace; "" is nobody.
        watchdog_seconds: silence after which the service is killed; None without a watchdog.
    """

    def __init__(self, address: str = "", watchdog_seconds: float | None = None) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        # The man page asks for half of it; a third leaves room for one that comes late.
        self.interval_seconds = None if watchdog_seconds is None else watchdog_seconds / 3

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str] | None = None) -> Notifier:
        """What the service manager left in the environment; taken out of it, because it was meant
        for this process and not for its children."""
        variables = os.environ if environment is None else environment
        address = variables.pop(_SOCKET, "")
        microseconds = variables.pop(_WATCHDOG, "")
        ours = variables.pop(_WATCHDOG_PID, str(os.getpid())) == str(os.getpid())
        watched = address and ours and microseconds.isdecimal() and int(microseconds)
        return cls(address, int(microseconds) / 1e6 if watched else None)

    def ready(self) -> None:
        """Start-up is over: the virtual camera and the control socket are there."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send("STATUS=" + " ".join(text.split()))

    def alive(self) -> None:
        """To be called every `interval_seconds`, from the thread whose death matters."""
        if self.interval_seconds is not None:
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # A manager that does not listen is no reason to end a call's picture.
        with contextlib.suppress(OSError), socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
        ) as speaker:  # fmt: skip
            speaker.sendto(message.encode(), self._address)
