"""The language of the control socket: one JSON object a line, a request and its answer.

{"v": 1, "command": "set", "values": {"look.strength": 0.7}}
{"v": 1, "ok": true, "result": null}
{"v": 1, "ok": false, "error": "...", "todo": "...", "exit_code": 2}
"""

from __future__ import annotations

import json
from io import BufferedRWPair
from typing import Any

from sdcam.errors import SdcamError

VERSION = 1
LONGEST_LINE = 64 * 1024


def write(stream: BufferedRWPair, message: dict[str, Any]) -> None:
    stream.write(json.dumps({"v": VERSION, **message}).encode() + b"\n")
    stream.flush()


def read(stream: BufferedRWPair) -> dict[str, Any] | None:
    """The next message, None at the end.

    Raises:
        SdcamError: not a message of this version.
    """
    line = stream.readline(LONGEST_LINE)
    if not line:
        return None
    try:
        message = json.loads(line)
    except ValueError:
        raise SdcamError("The control socket got a line that is not JSON.") from None
    if not isinstance(message, dict) or message.get("v") != VERSION:
        raise SdcamError(
            f"The control socket got a message that is not of version {VERSION}.",
            "The service and the command line differ: restart the service.",
        )
    return message
