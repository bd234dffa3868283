"""The command line's end of the control socket."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from sdcam.control import protocol
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
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            raise MissingError(
                f"StreamDiffusion Cam is not running (nothing listens at {path}).",
                "Start it with `sdcam run` or `sdcam service start`.",
            ) from None
        except OSError as error:
            raise SdcamError(f"The control socket {path}: {error.strerror or error}.") from None
        try:
            with connection.makefile("rwb") as stream:
                protocol.write(stream, {"command": command, **arguments})
                answer = protocol.read(stream)
        except TimeoutError:
            raise SdcamError(
                f"The service does not answer within {_SECONDS:.0f} seconds.",
                "Restart it with `sdcam service restart`.",
            ) from None
    if answer is None:
        raise SdcamError("The service hung up.", "Look into its log.")
    if not answer["ok"]:
        kind = _ERRORS.get(answer["exit_code"], SdcamError)
        raise kind(answer["error"], answer.get("todo", ""))
    return answer["result"]
