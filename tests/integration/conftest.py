"""Starts the real service as a process of its own and speaks to it through its socket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sdcam.control.client import ask
from sdcam.errors import SdcamError

TINY = Path(__file__).parent.parent / "data" / "tiny-model"
PATIENCE = 60.0  # generous: two slow cores that others use too


class Service:
    """`sdcam run ...` in the background."""

    def __init__(
        self,
        folder: Path,
        *words: str,
        model: str = str(TINY),
        size: str | None = "64",
        program: tuple[str, ...] = ("-m", "sdcam", "run"),
    ) -> None:
        self.socket = folder / "control.sock"
        self.log = folder / "log.txt"
        self.environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(folder / "cache"),  # nothing of ours goes into the user's
            "XDG_STATE_HOME": str(folder / "state"),
            "SDCAM_SERVICE__SOCKET": str(self.socket),
            "SDCAM_MODEL__NAME": model,
        }
        if size is not None:  # the environment is stronger than a file
            self.environment["SDCAM_MODEL__RENDER_SIZE"] = size
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, *program, *words],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = ask(self.socket, "status")
        return status

    def until(self, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The first status that meets the condition."""
        deadline = time.monotonic() + PATIENCE
        status = None
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"it ended: {self.log.read_text()}"
            try:
                status = self.status()
            except SdcamError:
                time.sleep(0.02)
                continue
            if condition(status):
                return status
            time.sleep(0.02)
        raise AssertionError(f"not within {PATIENCE} s: {status}\n{self.log.read_text()}")

    def until_styled(self) -> dict[str, Any]:
        return self.until(lambda s: s["state"] == "running" and s["card"] == "")

    def end(self, number: signal.Signals = signal.SIGTERM) -> str:
        """Ends it; returns what it printed on stdout."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=PATIENCE)
        return out


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    started: list[Service] = []

    def start(*words: str, **more: Any) -> Service:
        started.append(Service(tmp_path, *words, **more))
        return started[-1]

    yield start
    for service in started:
        if service.process.poll() is None:
            service.process.kill()
        service.process.communicate()


@pytest.fixture
def sdcam(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs one command to its end."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sdcam", *words],
            env={
                **os.environ,
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
                "XDG_STATE_HOME": str(tmp_path / "state"),
                "SDCAM_SERVICE__SOCKET": str(tmp_path / "control.sock"),
                "SDCAM_MODEL__NAME": str(TINY),
                "SDCAM_MODEL__RENDER_SIZE": "64",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            cwd=tmp_path,
            check=False,
        )

    return run
