"""The command line's end of the control socket: where it is, and one question over it.

This module loads as little as it can: `sdcam prompt` has a tenth of a second for everything.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from pathlib import Path
from typing import Any

from sdcam import paths
from sdcam.control.protocol import LONGEST_LINE, decode, encode, too_long
from sdcam.errors import ExitCode, MissingError, SdcamError, UsageError
from sdcam.plain_toml import parse_plain_toml

_SECONDS = 5.0
_ERRORS: dict[int, type[SdcamError]] = {ExitCode.USAGE: UsageError, ExitCode.MISSING: MissingError}
_LARGEST_CONFIG = 1_000_000  # bytes


def socket_address(config: Path | None) -> Path:
    """Where the running service listens: environment over file over default, as for every key.

    A broken file counts as empty here: it must not keep anybody from asking the service what is
    wrong with it.
    """
    setting: Any = os.environ.get(paths.ENV_SOCKET)
    if not setting:
        setting = _in_file(config or paths.config_file())
    try:
        return paths.control_socket(setting if isinstance(setting, str) and setting else "auto")
    except RuntimeError:  # "~nobody/x"
        return paths.control_socket("auto")


def _in_file(path: Path) -> Any:
    try:
        # Without O_NONBLOCK, a pipe in the file's place would block the command.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            text = file.read(_LARGEST_CONFIG).decode("utf-8-sig")
        # The documented default file is the usual one. To load a parser for it takes 8 ms.
        lines = (line.strip() for line in text.split("\n") if "socket" in line)
        if all(line.startswith(("#", 'socket = "auto"')) for line in lines):
            return None
        return parse_plain_toml(text).get("service", {}).get("socket")
    except (OSError, ValueError, AttributeError):
        return None


def ask(path: Path, command: str, /, **arguments: Any) -> Any:
    """Sends one command to the service and returns its result.

    Raises:
        MissingError: no service runs.
        SdcamError: the service refused, or does not answer within five seconds.
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
                "Run this command as the user who started the service.",
            ) from None
        except OSError as error:
            raise SdcamError(f"The control socket {path}: {error.strerror or error}.") from None
        answer = _answer(connection, {"command": command, **arguments})
    if not answer.get("ok"):
        kind = _ERRORS.get(answer.get("exit_code", ExitCode.FAULT), SdcamError)
        raise kind(str(answer.get("error")), str(answer.get("todo", "")))
    return answer.get("result")


def _connect(connection: socket.socket, path: Path) -> None:
    """Linux refuses with EAGAIN while the socket's queue is full; then this tries again."""
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            connection.connect(str(path))
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _answer(connection: socket.socket, request: dict[str, Any]) -> dict[str, Any]:
    line: bytes | None = None
    try:
        with contextlib.suppress(ConnectionError):  # refused unread: the answer says why
            connection.sendall(encode(request))
        line = _line(connection)
    except TimeoutError:
        raise SdcamError(
            f"The service does not answer within {_SECONDS:.0f} seconds.",
            "Restart it with `sdcam service restart`.",
        ) from None
    except OSError:
        pass
    if line is None:
        raise SdcamError("The service closed the connection.", "Look into its log.")
    return decode(line)


def _line(connection: socket.socket) -> bytes | None:
    """One line of the answer, None if the service closed the connection before its end.

    Raises:
        OSError: the service is gone, or does not send it all in time (TimeoutError).
    """
    deadline = time.monotonic() + _SECONDS
    line = b""
    while not line.endswith(b"\n"):
        if len(line) > LONGEST_LINE:
            raise too_long()
        if (left := deadline - time.monotonic()) <= 0:
            raise TimeoutError
        connection.settimeout(left)
        if not (piece := connection.recv(LONGEST_LINE)):
            return None
        line += piece
    return line
