"""Waits for what must come, and for processes to end."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

_PATIENCE = 30.0


def until(is_so: Callable[[], bool], what: str, seconds: float = _PATIENCE) -> float:
    """How many seconds it took until `is_so`; a failure that names `what` after `seconds`."""
    begun = time.monotonic()
    while not is_so():
        assert time.monotonic() < begun + seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)
    return time.monotonic() - begun


def end(process: subprocess.Popen[bytes] | None) -> None:
    """Asks it to end; kills it when it does not."""
    if process is None:
        return
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
