"""Linux: the service as a systemd unit of this user."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sdcam import resources
from sdcam.atomic_file import atomic_write, remove_file
from sdcam.errors import MissingError, UsageError
from sdcam.install.interpreter import check_it_starts, interpreter
from sdcam.install.log_lines import remove_logs
from sdcam.install.loopback_module import how_to_have_the_camera
from sdcam.install.service_agent import Say, ServiceState
from sdcam.install.systemctl import Systemctl

UNIT = "streamdiffusion-cam.service"
_CONFIG = " --config "  # ends the line that starts it
_NOT_INSTALLED = MissingError("The service is not installed.", "`sdcam service install` does it.")


class UserUnit:
    """See `ServiceAgent`."""

    def __init__(self) -> None:
        home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
        self.definition = Path(home).expanduser() / "systemd" / "user" / UNIT
        self._systemctl = Systemctl(UNIT)

    def install(self, say: Say, config: Path | None = None) -> None:
        if "SUDO_UID" in os.environ:
            raise UsageError("A camera service belongs to a user.", "Leave `sudo` away.")
        check_it_starts([interpreter(), "-m", "sdcam"])
        self._systemctl.show()  # before anything is written: is there a session?
        atomic_write(self.definition, render(interpreter(), config).encode())
        self._systemctl.reload()
        self._systemctl.enable()
        self._systemctl.restart()
        say(f"The service runs, now and after every login: {self.definition}")
        for line in how_to_have_the_camera():
            say(line)

    def uninstall(self, say: Say) -> None:
        if self.definition.exists():
            self._systemctl.disable()
            say("The service has ended.")
            remove_file(self.definition)
            say(f"{self.definition} is removed.")
            self._systemctl.reload()
            self._systemctl.reset_failed()
        else:
            say("The service is not installed.")
        if logs := remove_logs():
            say(f"{logs} is removed.")

    def start(self, say: Say) -> None:
        self._check_installed()
        state = self.state()
        if state.pid is not None:
            say(f"The service runs already (process {state.pid}).")
            return
        self._systemctl.start()
        say("The service is started.")

    def stop(self, say: Say) -> None:
        state = self.state()
        if not state.installed and state.pid is None:
            raise _NOT_INSTALLED
        self._systemctl.stop()
        say("The service was not running." if state.pid is None else "The service has ended.")

    def restart(self, say: Say) -> None:
        self._check_installed()
        self._systemctl.restart()
        say("The service is started again.")

    def state(self) -> ServiceState:
        installed = self.definition.exists()
        try:
            told = self._systemctl.show()
        except MissingError:  # no session, or no systemd: nothing of this user's runs there
            if installed:
                raise
            told = {"ActiveState": "inactive"}
        pid = int(told.get("MainPID") or 0)
        active, sub = told.get("ActiveState", "unknown"), told.get("SubState", "")
        return ServiceState(
            installed,
            self.definition,
            active if active == sub or not sub else f"{active} ({sub})",
            pid or None,
            "" if told.get("ExecMainCode", "0") == "0" else _last_exit(told),
            _note(installed, active, told),
        )

    def configuration(self) -> Path | None:
        if not self.definition.exists():
            return None
        lines = self.definition.read_text(encoding="utf-8", errors="replace").splitlines()
        start = next((line for line in lines if line.startswith("ExecStart=")), "")
        _, named, path = start.partition(_CONFIG)
        return _unquoted(path) if named else None

    def where_else_to_look(self) -> str:
        return f"journalctl --user -u {UNIT.removesuffix('.service')}"

    def _check_installed(self) -> None:
        if not self.definition.exists():
            raise _NOT_INSTALLED


def render(python: Path, config: Path | None = None) -> str:
    """The unit for this user, from the file in `launchd/`."""
    text = resources.launchd(UNIT).read_text(encoding="utf-8")
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("ExecStart="))
    lines[start] = lines[start].replace("PYTHON", _quoted(python), 1)
    if config is not None:
        lines[start] += _CONFIG + _quoted(config.absolute())
    return "\n".join(lines) + "\n"


def _quoted(path: Path) -> str:
    """systemd.service(5), "COMMAND LINES"; "%" begins a specifier and "$" a variable."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("%", "%%").replace("$", "$$") + '"'


def _unquoted(text: str) -> Path:
    inner = text.strip().removeprefix('"').removesuffix('"')
    return Path(re.sub(r'\\([\\"])|%(%)|\$(\$)', r"\1\2\3", inner))


def _last_exit(told: dict[str, str]) -> str:
    result = told.get("Result", "success")
    if result == "success":
        return told.get("ExecMainStatus", "")
    return f"{told.get('ExecMainStatus', '')} ({result})"


def _note(installed: bool, active: str, told: dict[str, str]) -> str:
    if not installed:
        return _NOT_INSTALLED.todo
    if active == "failed":
        return "It gave up; the log says why. `sdcam service start` tries anew."
    if active == "inactive":
        return "`sdcam service start` starts it."
    return told.get("StatusText", "")
