"""What the service tells systemd (sd_notify(3)): that it is ready, what it does, that it is alive.

The protocol is a datagram of KEY=VALUE lines to the socket in $NOTIFY_SOCKET. Without a listener (a
terminal, launchd) every method does nothing. No method ever waits.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import MutableMapping

_SOCKET = "NOTIFY_SOCKET"
_WATCHDOG = "WATCHDOG_USEC"
_WATCHDOG_PID = "WATCHDOG_PID"


class Notifier:
    """May be used from any thread.

    Args:
        address: path of the socket; "@..." is a name in the abstract namespace; "" is no manager.
        watchdog_seconds: silence after which the service is killed; None without a watchdog.
    """

    def __init__(self, address: str = "", watchdog_seconds: float | None = None) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        # The man page asks for half of it; a third leaves room for a late or a lost message.
        self.interval_seconds = None if watchdog_seconds is None else watchdog_seconds / 3
        self._alive_due = 0.0
        self._status = ""

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str] | None = None) -> Notifier:
        """From the service manager's variables. Removes them from the environment: they are meant
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
        """One line for `systemctl status`; sent when it changes."""
        line = "STATUS=" + " ".join(text.split())
        if line != self._status:
            self._status = line
            self._send(line)

    def alive(self) -> None:
        """Feeds the watchdog, once an interval however often it is called. Call it from the thread
        whose death matters."""
        if self.interval_seconds is None or time.monotonic() < self._alive_due:
            return
        self._alive_due = time.monotonic() + self.interval_seconds
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # A manager that does not read must not stop the main loop: a full queue loses the message.
        with contextlib.suppress(OSError), socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        ) as sender:  # fmt: skip
            sender.sendto(message.encode(), self._address)
