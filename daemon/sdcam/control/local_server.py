"""A Unix socket for this user's programs only: 0600, one thread for all connections."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import stat
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

# asyncio takes about 20 ms to load, so only the server's own thread imports it.
_log = logging.getLogger("sdcam.control")
_QUEUE = 128  # connections that wait to be accepted; one more is refused
_MOST_CONNECTIONS = 16
_QUIET_SECONDS = 60.0  # between two log lines about faults
_FLUSH_SECONDS = 1.0  # for a client to read what was written before the end of the connection

# <sys/un.h> and <sys/ucred.h> of macOS; Python has no names for them.
_SOL_LOCAL = 0
_LOCAL_PEERCRED = 1
_XUCRED = struct.Struct("=II")  # its first fields: version, effective uid
_XUCRED_BYTES = 76
_UCRED = struct.Struct("=iII")  # Linux: pid, uid, gid


class LocalServer:
    """
    Args:
        path: where the socket is made; one that a killed service left there is replaced.
        name: of its thread.
        serve: a coroutine function, called for each connection of this user or root. The
            connection is closed when it returns. OSError and asyncio.TimeoutError end a connection
            silently. It must return when `writer.is_closing()`.
        own_folder: the folder holds nothing but our files, so it is closed to others (0700). A
            folder that the user named may hold anything: there the socket's own mode and the
            check of the peer must do.
        stranger: what a client of another user is sent before its connection is closed.
        line_bytes: the longest line that `reader.readline` returns.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
        own_folder: bool,
        stranger: bytes = b"",
        line_bytes: int = 64 * 1024,
    ) -> None:
        self._path = path
        self._serve = serve
        self._own_folder = own_folder
        self._stranger = stranger
        self._line_bytes = line_bytes
        self._owner = os.geteuid()
        self._socket: socket.socket | None = None
        self._identity: tuple[int, int] | None = None
        self._connections: deque[asyncio.StreamWriter] = deque()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._listening = threading.Event()
        self._end: Callable[[], object]
        self._quiet_until = 0.0

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
        self._thread.start()

    def close(self, seconds: float = 1.0) -> None:
        """Ends all connections and waits for the thread, no longer than `seconds`."""
        if self._socket is None:
            return
        if _identity(self._path) == self._identity:  # not the socket of a service after us
            self._path.unlink(missing_ok=True)
        deadline = time.monotonic() + seconds
        if self._listening.wait(seconds):
            with contextlib.suppress(RuntimeError):  # a second close: the loop has ended
                self._end()
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        import asyncio

        asyncio.run(self._listen())

    async def _listen(self) -> None:
        import asyncio

        loop, end = asyncio.get_running_loop(), asyncio.Event()
        loop.set_exception_handler(self._log_fault)
        server = await asyncio.start_unix_server(
            self._talk, sock=self._socket, backlog=_QUEUE, limit=self._line_bytes
        )
        self._end = lambda: loop.call_soon_threadsafe(end.set)
        self._listening.set()
        await end.wait()
        server.close()
        # asyncio.run cancels what still waits. That alone is not enough: before Python 3.12,
        # `asyncio.wait_for` may swallow it (python/cpython#86296).
        for writer in self._connections:
            writer.transport.abort()

    def _log_fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """For example, no descriptor is left for a new connection: asyncio tries again each
        second, and this logs it each minute."""
        if time.monotonic() >= self._quiet_until:
            self._quiet_until = time.monotonic() + _QUIET_SECONDS
            _log.warning("%s: %s", context.get("message"), context.get("exception"))

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        import asyncio

        if len(self._connections) >= _MOST_CONNECTIONS:  # the newest client is always heard
            self._connections.popleft().transport.abort()
        self._connections.append(writer)
        try:
            uid = peer_uid(writer.get_extra_info("socket"))
            if may_command(uid, self._owner):
                await self._serve(reader, writer)
            else:
                _log.warning("user %d tried to connect to %s", uid, self._path)
                writer.write(self._stranger)
            writer.close()
            await asyncio.wait_for(writer.wait_closed(), _FLUSH_SECONDS)
        except (OSError, asyncio.TimeoutError, asyncio.CancelledError):
            pass  # the client is gone or too slow, or the server closes
        finally:
            writer.transport.abort()
            with contextlib.suppress(ValueError):
                self._connections.remove(writer)


def peer_uid(connection: Any) -> int:
    """The effective user of the process that connected, as the kernel says it.

    Raises:
        OSError: the kernel does not say.
    """
    if sys.platform == "darwin":
        credentials = connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES)
        return uid_in_xucred(credentials)
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    return int(_UCRED.unpack(credentials)[1])


def may_command(uid: int, owner: int) -> bool:
    """The service's own user may, and root, who could do anything anyway."""
    return uid in (owner, 0)


def uid_in_xucred(credentials: bytes) -> int:
    """
    Raises:
        OSError: not the structure of macOS.
    """
    if len(credentials) < _XUCRED.size or _XUCRED.unpack_from(credentials)[0] != 0:
        raise OSError("the peer of the control socket is not known")
    return int(_XUCRED.unpack_from(credentials)[1])


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
