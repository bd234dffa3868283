"""The language of the control socket: one JSON object per line, a request and its answer.

{"v": 1, "command": "set", "values": {"look.strength": 0.7}}
{"v": 1, "ok": true, "result": null}
{"v": 1, "ok": false, "error": "...", "todo": "...", "exit_code": 2}
"""

from __future__ import annotations

import json
from typing import Any

from sdcam.errors import SdcamError

VERSION = 1
LONGEST_LINE = 256 * 1024  # bytes


def encode(message: dict[str, Any]) -> bytes:
    """One line, with its end."""
    return json.dumps({"v": VERSION, **message}).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """
    Raises:
        SdcamError: the line is not a message of this version.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise SdcamError("The control socket received a line that is not JSON.") from None
    if not isinstance(message, dict):
        raise SdcamError("The control socket received a line that is not a JSON object.")
    version = message.get("v")
    if type(version) is not int or version != VERSION:  # True == 1 in Python
        raise SdcamError(
            f"The service and the command line speak different versions ({VERSION} here, "
            f"{str(version)[:20]} there).",
            "Restart the service: `sdcam service restart`.",
        )
    return message


def too_long() -> SdcamError:
    return SdcamError(f"The control socket received a line of more than {LONGEST_LINE} bytes.")
