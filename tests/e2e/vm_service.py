"""The service, started as systemd would start it: by the unit's own line, and listened to."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vm_devices import OUT, camera_node
from vm_user import User

from sdcam.control.client import ask
from sdcam.errors import SdcamError
from sdcam.install.systemd import render
from sdcam.platforms.device_users import users_of

_PATIENCE = 240.0
_LOOK = 1.0  # seconds; to answer costs it some of its time
_LOG = Path("/run/service.log")


class Service:
    def __init__(self, user: User) -> None:
        self._user = user
        self._process: subprocess.Popen[Any] | None = None
        self.told: list[str] = []  # to systemd, since the last start
        self._ear = _listen(Path("/run/notify"), self.told)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns when it says that it is ready."""
        self.told.clear()
        with _LOG.open("a") as log:
            self._process = self._user.start(
                _exec_start(),
                env={"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "30000000"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.until_told("READY=1")

    def until_told(self, message: str) -> None:
        until = time.monotonic() + _PATIENCE
        while message not in self.told:
            assert time.monotonic() < until, f"{self.told}\n{self.log()}"
            time.sleep(0.1)

    def ask(self, command: str, **arguments: Any) -> Any:
        return ask(self._user.socket, command, **arguments)

    def until(self, what: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The first status that is so."""
        until = time.monotonic() + _PATIENCE
        status: dict[str, Any] = {}
        while time.monotonic() < until:
            assert self._process is not None and self._process.poll() is None, self.log()
            try:
                status = self.ask("status")
            except SdcamError as error:
                status = {"no answer": str(error)}
            else:
                if what(status):
                    return status
            time.sleep(_LOOK)
        raise AssertionError(f"not within {_PATIENCE} s: {status}\n{self.log()}")

    def until_at_rest(self) -> None:
        """Nobody watches, and the camera is closed."""
        self.until(lambda s: s["state"] == "idle" and users_of(camera_node()) == [])

    def until_picture(self) -> dict[str, Any]:
        return self.until(lambda s: s["state"] == "running" and s["card"] == "")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """As systemd does it, to its exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(_PATIENCE)

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def log(self) -> str:
        """The last lines."""
        return "\n".join(p.read_text()[-6000:] for p in self._logs())

    def keep_log(self) -> None:
        """For who wants to read it afterwards."""
        (OUT / "service.log").write_text("\n".join(p.read_text() for p in self._logs()))

    def _logs(self) -> list[Path]:
        own = self._user.home / ".local/state/streamdiffusion-cam/log/sdcam.log"
        return [path for path in (_LOG, own) if path.exists()]


def _exec_start() -> list[str]:
    unit = render(Path(sys.executable)).splitlines()
    (line,) = (line for line in unit if line.startswith("ExecStart="))
    return shlex.split(line.removeprefix("ExecStart="))


def _listen(path: Path, told: list[str]) -> socket.socket:
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    path.unlink(missing_ok=True)
    ear.bind(str(path))
    path.chmod(0o777)

    def run() -> None:
        while True:
            told.extend(ear.recv(4096).decode().splitlines())

    threading.Thread(target=run, daemon=True).start()
    return ear
