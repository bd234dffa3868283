"""The service's end of the control socket: what it is asked and what it answers."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sdcam import paths
from sdcam.control.listener import Listener
from sdcam.control.peer import may_command, peer_uid
from sdcam.control.protocol import Conversation
from sdcam.errors import ExitCode, SdcamError, UsageError

_log = logging.getLogger("sdcam.control")
# A command line needs milliseconds for a message; what takes longer hangs.
_SECONDS = 5.0
# Of those that say nothing the oldest has to go: a newcomer is always heard.
_MOST_CONNECTIONS = 16
T = TypeVar("T")


class Commands(Protocol):
    """What can be asked of the service."""

    def status(self) -> dict[str, object]: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def set(self, values: dict[str, object]) -> None: ...
    def save(self, values: dict[str, object]) -> dict[str, object]: ...
    def step_style(self, step: int, save: bool) -> str: ...
    def snapshot(self, path: Path) -> None: ...
    def stop(self) -> None: ...


class ControlServer:
    """Listens while entered, for its own user only.

    Args:
        seconds: for one message, coming or going.
    """

    def __init__(self, path: Path, commands: Commands, seconds: float = _SECONDS) -> None:
        self._path = path
        self._commands = commands
        self._seconds = seconds
        self._owner = os.geteuid()
        self._refusal = ""
        self._connections: deque[socket.socket] = deque()
        self._lock = threading.Lock()
        ours = path == paths.control_socket("auto")
        self._listener = Listener(path, "control", self._serve, own_folder=ours)

    def open(self) -> None:
        try:
            self._listener.open()
        except OSError as error:
            raise UsageError(
                f"The control socket {self._path} cannot be made: {error.strerror or error}.",
                "Set service.socket to a shorter path in a folder of your own.",
            ) from None

    def __enter__(self) -> ControlServer:
        self.open()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def refuse(self, reason: str) -> None:
        """From now on every command but `status` is answered with this sentence."""
        self._refusal = reason

    def close(self) -> None:
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        self._enter(connection)
        try:
            self._talk(connection)
        finally:
            with self._lock, contextlib.suppress(ValueError):
                self._connections.remove(connection)

    def _enter(self, connection: socket.socket) -> None:
        with self._lock:
            if len(self._connections) >= _MOST_CONNECTIONS:
                with contextlib.suppress(OSError):  # wakes its thread, which closes it
                    self._connections.popleft().shutdown(socket.SHUT_RDWR)
            self._connections.append(connection)

    def _talk(self, connection: socket.socket) -> None:
        conversation = Conversation(connection, self._seconds)
        if not may_command(uid := peer_uid(connection), self._owner):
            _log.warning("user %d tried to command the service", uid)
            conversation.write(
                _refusal(SdcamError("This service belongs to another user.", "Start your own."))
            )
            return
        while True:
            try:
                request = conversation.read()
            except SdcamError as error:  # no telling where the next message begins
                conversation.write(_refusal(error))
                return
            if request is None:
                return
            conversation.write(self._answer(request))

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"ok": True, "result": self._obey(request)}
        except SdcamError as error:
            return _refusal(error)
        except Exception:
            _log.exception("%r failed", request.get("command"))
            return _refusal(SdcamError("The service could not do that.", "Look into its log."))

    def _obey(self, request: dict[str, Any]) -> object:
        commands = self._commands
        answers: dict[str, Callable[[], object]] = {
            "status": commands.status,
            "pause": commands.pause,
            "resume": commands.resume,
            "set": lambda: commands.set(_argument(request, "values", dict)),
            "save": lambda: commands.save(_argument(request, "values", dict)),
            "next": lambda: commands.step_style(1, request.get("save") is True),
            "prev": lambda: commands.step_style(-1, request.get("save") is True),
            "snapshot": lambda: commands.snapshot(Path(_argument(request, "path", str))),
            "stop": commands.stop,
        }
        command = request.get("command")
        if self._refusal and command != "status":
            raise SdcamError(self._refusal)
        if not isinstance(command, str) or command not in answers:
            raise UsageError(f"The service knows no command {str(command)[:40]!r}.")
        return answers[command]()


def _argument(request: dict[str, Any], name: str, kind: type[T]) -> T:
    value = request.get(name)
    if not isinstance(value, kind) or not value:
        raise UsageError(f"{request['command']} needs {name}.")
    return value


def _refusal(error: SdcamError) -> dict[str, Any]:
    return {
        "ok": False,
        "error": error.what,
        "todo": error.todo,
        "exit_code": int(ExitCode(error.exit_code)),
    }
