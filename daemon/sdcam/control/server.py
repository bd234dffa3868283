"""The service's end of the control socket: 0600 in a 0700 directory, for its own user only."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TypeVar

from sdcam.control import protocol
from sdcam.errors import SdcamError, UsageError

_log = logging.getLogger("sdcam.control")
_IDLE_SECONDS = 60.0
T = TypeVar("T")


class Commands(Protocol):
    """What can be asked of the service."""

    def status(self) -> dict[str, object]: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def set(self, values: dict[str, object]) -> None: ...
    def step_style(self, step: int) -> str: ...
    def snapshot(self, path: Path) -> None: ...
    def stop(self) -> None: ...


class ControlServer:
    """Listens while entered; one short-lived thread a connection."""

    def __init__(self, path: Path, commands: Commands) -> None:
        self._path = path
        self._commands = commands
        self._thread = threading.Thread(target=self._accept, name="control", daemon=True)

    def __enter__(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)  # of a service that was killed: we hold the lock
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.bind(str(self._path))
        except OSError as error:
            self._socket.close()
            raise UsageError(
                f"The control socket {self._path} cannot be made: {error.strerror or error}.",
                "Set service.socket to a shorter path in a folder of your own.",
            ) from None
        self._path.chmod(0o600)
        self._socket.listen(8)
        self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept() on Linux
        self._socket.close()  # and on macOS

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        connection.settimeout(_IDLE_SECONDS)
        with connection, connection.makefile("rwb") as stream, contextlib.suppress(OSError):
            while True:
                try:
                    request = protocol.read(stream)
                    if request is None:
                        return
                    answer = {"ok": True, "result": self._obey(request)}
                except SdcamError as error:
                    answer = {
                        "ok": False,
                        "error": error.what,
                        "todo": error.todo,
                        "exit_code": int(error.exit_code),
                    }
                protocol.write(stream, answer)

    def _obey(self, request: dict[str, Any]) -> object:
        commands = self._commands
        answers: dict[object, Callable[[], object]] = {
            "status": commands.status,
            "pause": commands.pause,
            "resume": commands.resume,
            "set": lambda: commands.set(_argument(request, "values", dict)),
            "next": lambda: commands.step_style(1),
            "prev": lambda: commands.step_style(-1),
            "snapshot": lambda: commands.snapshot(Path(_argument(request, "path", str))),
            "stop": commands.stop,
        }
        answer = answers.get(request.get("command"))
        if answer is None:
            raise UsageError(f"The service knows no command {request.get('command')!r}.")
        return answer()


def _argument(request: dict[str, Any], name: str, kind: type[T]) -> T:
    value = request.get(name)
    if not isinstance(value, kind):
        raise UsageError(f"{request['command']} needs {name}.")
    return value
