"""The command line's end of the control socket."""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path
from typing import Any

from sdcam.control.protocol import Conversation
from sdcam.errors import ExitCode, MissingError, SdcamError, UsageError

_SECONDS = 5.0
_ERRORS: dict[int, type[SdcamError]] = {ExitCode.USAGE: UsageError, ExitCode.MISSING: MissingError}


def ask(path: Path, command: str, /, **arguments: Any) -> Any:
    """Sends one command to the service and returns its result.

    Raises:
        MissingError: no service runs.
        SdcamError: the service refused, or does not answer.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_SECONDS)
        try:
            _connect(connection, path)
        except (FileNotFoundError, ConnectionRefusedError):
            raise MissingError(
                f"StreamDiffusion Cam is not running (nothing listens at {path}).",
                "Start it with `sdcam run` or `sdcam service start`.",
            ) from None
        except PermissionError:
            raise SdcamError(
                f"The control socket {path} belongs to another user.",
                "Only the user whose service it is may command it.",
            ) from None
        except OSError as error:
            raise SdcamError(f"The control socket {path}: {error.strerror or error}.") from None
        answer = _answer(connection, {"command": command, **arguments})
    if not answer.get("ok"):
        kind = _ERRORS.get(answer.get("exit_code", ExitCode.FAULT), SdcamError)
        raise kind(str(answer.get("error")), str(answer.get("todo", "")))
    return answer.get("result")


def _connect(connection: socket.socket, path: Path) -> None:
    """Linux refuses at once, with EAGAIN, where a crowd waits at the socket."""
    until = time.monotonic() + _SECONDS
    while True:
        try:
            connection.connect(str(path))
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def _answer(connection: socket.socket, request: dict[str, Any]) -> dict[str, Any]:
    conversation = Conversation(connection, _SECONDS)
    try:
        with contextlib.suppress(ConnectionError):  # refused unread: the answer says why
            conversation.write(request)
        answer = conversation.read()
    except TimeoutError:
        raise SdcamError(
            f"The service does not answer within {_SECONDS:.0f} seconds.",
            "Restart it with `sdcam service restart`.",
        ) from None
    except OSError:
        answer = None
    if answer is None:
        raise SdcamError("The service hung up.", "Look into its log.")
    return answer
