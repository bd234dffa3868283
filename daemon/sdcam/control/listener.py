"""A Unix socket that this user's programs connect to: 0600, one thread a connection."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

_AGAIN_SECONDS = 0.1
_QUEUE = 128  # a crowd waits; a full queue is a refusal


class Listener:
    """
    Args:
        path: where the socket is made; one that a killed service left there is replaced.
        name: of its threads.
        serve: what each connection's thread does; the connection is closed after it. An OSError
            is the end of a connection like any other.
        own_folder: nothing but ours lies there, so it is closed to others. One that the user named
            may be anything: there the mode of the socket itself and the look at who connects
            (`peer_uid`) must do.
    """

    def __init__(
        self, path: Path, name: str, serve: Callable[[socket.socket], None], own_folder: bool
    ) -> None:
        self._path = path
        self._name = name
        self._serve = serve
        self._own_folder = own_folder
        self._socket: socket.socket | None = None
        self._identity: tuple[int, int] | None = None
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def open(self) -> None:
        """Begins to listen.

        Raises:
            OSError: no socket can be made there.
        """
        _make_folder(self._path.parent, self._own_folder)
        self._path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(str(self._path))
            self._path.chmod(0o600)
            listening.listen(_QUEUE)
        except OSError:
            listening.close()
            raise
        self._socket, self._identity = listening, _identity(self._path)
        self._start(self._name, self._accept, listening)

    def close(self) -> None:
        """Takes no more connections; those that there are end when `serve` ends them."""
        if self._socket is None:
            return
        self._closing.set()
        if _identity(self._path) == self._identity:  # not that of a service that came after us
            self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept() on Linux
        self._socket.close()  # and on macOS

    def join(self, seconds: float) -> None:
        """After `close`: waits for the threads, so long in all."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _start(self, name: str, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()

    def _accept(self, listening: socket.socket) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:  # out of descriptors, the caller left at once, or the end
                self._closing.wait(_AGAIN_SECONDS)
                continue
            self._start(f"{self._name} connection", self._talk, connection)

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):  # it left, or took too long
            self._serve(connection)


def _make_folder(folder: Path, own: bool) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if own and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
