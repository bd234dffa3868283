"""Linux: the service as a systemd unit of this user."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from sdcam import resources
from sdcam.atomic_file import atomic_write
from sdcam.errors import MissingError, SdcamError, UsageError
from sdcam.install.service_agent import (
    TO_INSTALL,
    TO_START,
    Say,
    ServiceAgent,
    ServiceState,
    check_it_starts,
    interpreter,
    refuse_sudo,
)
from sdcam.platforms.loopback import SYS, find_loopback, module_is_loaded
from sdcam.platforms.loopback_setup import boot_commands, install_command
from sdcam.platforms.names import CAMERA_NAME
from sdcam.platforms.tool import Outcome, call

UNIT = "streamdiffusion-cam.service"
_EXEC = "ExecStart="
_CONFIG = " --config "  # the last option of that line
_STOP_SECONDS = 60.0  # longer than TimeoutStopSec
_START_SECONDS = 120.0
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PROPERTIES = (
    "ActiveState", "SubState", "MainPID", "Result", "ExecMainStatus", "ExecMainCode", "StatusText",
)  # fmt: skip


class UserUnit(ServiceAgent):
    def __init__(self) -> None:
        home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
        self.definition = Path(home).expanduser() / "systemd" / "user" / UNIT

    def install(self, say: Say, config: Path | None = None) -> None:
        refuse_sudo()
        check_it_starts([interpreter(), "-m", "sdcam"])
        _show()  # before anything is written: is there a session?
        atomic_write(self.definition, render(interpreter(), config).encode())
        _systemctl("daemon-reload")
        _systemctl("enable", UNIT)
        self._stop()
        self._start()
        say(f"The service is running, and starts at every login: {self.definition}")
        for line in how_to_get_the_camera():
            say(line)

    def state(self) -> ServiceState:
        installed = self.definition.exists()
        try:
            unit = _show()
        except MissingError:  # no session or no systemd, so nothing of this user runs in it
            if installed:
                raise
            unit = {"ActiveState": "inactive"}
        active, sub = unit.get("ActiveState", "unknown"), unit.get("SubState", "")
        note = unit.get("StatusText", "")
        if not installed:
            note = TO_INSTALL
        elif active == "failed":
            note = "It gave up; the log says why. `sdcam service start` starts it again."
        elif active == "inactive":
            note = TO_START
        return ServiceState(
            installed,
            self.definition,
            active if active == sub or not sub else f"{active} ({sub})",
            int(unit.get("MainPID") or 0) or None,
            _last_exit(unit),
            note,
        )

    def configuration(self) -> Path | None:
        if not self.definition.exists():
            return None
        _, given, path = self._command().partition(_CONFIG)
        return _unquoted(path) if given else None

    def programs(self) -> list[Path]:
        words = shlex.split(self._command())
        return [Path(words[0].replace("%%", "%"))] if words else []

    def other_output(self) -> str:
        return f"journalctl --user -u {UNIT.removesuffix('.service')}"

    def _start(self) -> None:
        _reset_failed()
        _systemctl("start", UNIT, seconds=_START_SECONDS)

    def _stop(self) -> bool:
        state = self.state()
        if state.installed or state.pid is not None:
            _systemctl("stop", UNIT, seconds=_STOP_SECONDS)
            _reset_failed()  # a service that had to be killed is stopped, not failed
        return state.pid is not None

    def _unload(self) -> bool:
        if not self.definition.exists():
            return False
        _systemctl("disable", "--now", UNIT, seconds=_STOP_SECONDS)
        return True

    def _clean_up(self, say: Say) -> None:
        try:
            _systemctl("daemon-reload")
        except MissingError:
            return  # no session, so nothing is loaded
        _reset_failed()

    def _command(self) -> str:
        lines = self.definition.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line for line in lines if line.startswith(_EXEC)), _EXEC)[len(_EXEC) :]


def render(python: Path, config: Path | None = None) -> str:
    """The unit for this user, from the file in `launchd/`.

    Raises:
        UsageError: a path that a unit file cannot hold.
    """
    lines = resources.launchd(UNIT).read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(_EXEC))
    # systemd replaces variables in arguments only: a "$" of the program's path stands for itself.
    lines[start] = lines[start].replace("PYTHON", _quoted(python), 1)
    if config is not None:
        lines[start] += _CONFIG + _quoted(config.absolute()).replace("$", "$$")
    return "\n".join(lines) + "\n"


def how_to_get_the_camera(sys_root: Path = SYS) -> list[str]:
    """Tells a user without the virtual camera the commands that make it, now and at every start of
    the machine. Empty if the camera is there. sdcam never runs sudo."""
    try:
        find_loopback(CAMERA_NAME, sys_root)
        return []
    except MissingError as missing:
        lines = [f"{missing.what} The service waits for it. These commands make it:"]
    loaded = module_is_loaded(sys_root)
    if not loaded:
        lines.append(f"  {install_command()}")
    lines += [f"  {command}" for command in boot_commands()]
    if loaded:
        lines.append(
            "  sudo modprobe -r v4l2loopback             # it is loaded without that camera"
        )
    return [*lines, "  sudo modprobe v4l2loopback"]


def _quoted(path: Path) -> str:
    """As systemd.syntax(7) wants it; "%" begins a specifier."""
    text = str(path)
    if _CONTROL.search(text):  # a line break would add a line to the unit
        raise UsageError(f"A unit file cannot hold the path {text!r}.", "Rename the file.")
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("%", "%%") + '"'


def _unquoted(text: str) -> Path:
    inner = text.strip().removeprefix('"').removesuffix('"')
    return Path(re.sub(r'\\([\\"])|%(%)|\$(\$)', r"\1\2\3", inner))


def _last_exit(unit: dict[str, str]) -> str:
    if unit.get("ExecMainCode", "0") == "0":
        return ""
    status, result = unit.get("ExecMainStatus", ""), unit.get("Result", "success")
    return status if result == "success" else f"{status} ({result})"


def _show() -> dict[str, str]:
    """Properties of the unit, by the names of systemd.directives(7)."""
    done = _systemctl("show", UNIT, "--property", ",".join(_PROPERTIES))
    return dict(line.partition("=")[::2] for line in done.out.splitlines() if "=" in line)


def _reset_failed() -> None:
    """Sets the count of crashes to 0. It fails for a unit that never failed, which is ignored."""
    call("systemctl", "--user", "reset-failed", UNIT)


def _systemctl(*words: str, seconds: float = 30.0) -> Outcome:
    done = call("systemctl", "--user", *words, seconds=seconds)
    if done.ok:
        return done
    if "connect to" in done.err and "bus" in done.err:
        raise MissingError(
            f"There is no systemd session of this user: {done.said}.",
            "Log in at the machine itself or by ssh as this user; `su` and `sudo` make no session.",
        )
    raise SdcamError(
        f"systemctl {words[0]} failed: {done.said}.", f"`systemctl --user status {UNIT}` says more."
    )
