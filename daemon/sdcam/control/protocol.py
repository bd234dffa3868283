"""The language of the control socket: one JSON object a line, a request and its answer.

{"v": 1, "command": "set", "values": {"look.strength": 0.7}}
{"v": 1, "ok": true, "result": null}
{"v": 1, "ok": false, "error": "...", "todo": "...", "exit_code": 2}
"""

from __future__ import annotations

import json
import socket
import time
from typing import Any

from sdcam.errors import SdcamError

VERSION = 1
LONGEST_LINE = 256 * 1024
_PIECE = 16 * 1024


class Conversation:
    """Messages over a connected socket. However slowly or how much the other end sends, a message
    takes no longer and gets no larger than it may.

    Args:
        seconds: for one message, whole.
    """

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds
        self._read = bytearray()

    def write(self, message: dict[str, Any]) -> None:
        """
        Raises:
            OSError: the other end is gone, or does not read (TimeoutError).
        """
        self._connection.settimeout(self._seconds)
        self._connection.sendall(json.dumps({"v": VERSION, **message}).encode() + b"\n")

    def read(self) -> dict[str, Any] | None:
        """The next message, None at the end.

        Raises:
            SdcamError: not a message of this version.
            OSError: the other end is gone, or takes too long (TimeoutError).
        """
        line = self._line()
        return None if line is None else _message(line)

    def _line(self) -> bytes | None:
        until = time.monotonic() + self._seconds
        looked = 0
        while (end := self._read.find(b"\n", looked)) < 0:
            looked = len(self._read)
            if looked > LONGEST_LINE:
                raise SdcamError(
                    f"The control socket got a line of more than {LONGEST_LINE} bytes."
                )
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._connection.settimeout(left)
            piece = self._connection.recv(_PIECE)
            if not piece:  # what stands without its end is no message
                return None
            self._read += piece
        line = bytes(self._read[:end])
        del self._read[: end + 1]
        return line


def _message(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise SdcamError("The control socket got a line that is not JSON.") from None
    if not isinstance(message, dict):
        raise SdcamError("The control socket got a line that is not a JSON object.")
    version = message.get("v")
    if type(version) is not int or version != VERSION:  # True is 1, to Python
        raise SdcamError(
            f"The service and the command line speak different versions ({VERSION} here, "
            f"{str(version)[:20]} there).",
            "Restart the service: `sdcam service restart`.",
        )
    return message
