"""The real service as a process of its own, for the benchmarks that look at all of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sdcam.control.client import ask
from sdcam.errors import SdcamError

_PATIENCE = 60.0


class Service:
    def __init__(self, folder: Path, words: tuple[str, ...], program: tuple[str, ...]) -> None:
        self.socket = folder / "control.sock"
        self.environment = {
            **os.environ,
            "SDCAM_SERVICE__SOCKET": str(self.socket),
            "XDG_STATE_HOME": str(folder / "state"),  # a pause of a benchmark is not the user's
        }
        self.process = subprocess.Popen(
            [sys.executable, *program, *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = ask(self.socket, "status")
        return status

    def until(
        self, condition: Callable[[dict[str, Any]], bool], poll: float = 0.01
    ) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                status = self.status()
            except SdcamError:
                time.sleep(poll)
                continue
            if condition(status):
                return status
            time.sleep(poll)
        raise RuntimeError("the service did not get there")

    def summary(self) -> dict[str, Any]:
        """What a run with --json prints at its end."""
        out, _ = self.process.communicate()
        summary: dict[str, Any] = json.loads(out)
        return summary


@contextmanager
def running(*words: str, program: tuple[str, ...] = ("-m", "sdcam", "run")) -> Iterator[Service]:
    """`sdcam run WORDS` until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder), words, program)
        try:
            yield service
        finally:
            if service.process.poll() is None:
                service.process.terminate()
                service.process.communicate()
