"""The service as the system has it installed: does it start the Python that is here?"""

from __future__ import annotations

import plistlib
import shlex
import stat
from pathlib import Path

from sdcam.doctor.check import (
    MACOS,
    Check,
    Finding,
    Group,
    not_here,
    ok,
    trouble,
    warning,
)
from sdcam.doctor.world import World
from sdcam.errors import MissingError
from sdcam.install import ServiceState
from sdcam.install.app_bundle import AppBundle
from sdcam.install.launchd import LaunchAgent
from sdcam.install.service_agent import interpreter
from sdcam.install.systemd import UserUnit

_ANEW = "sdcam service install"
_WRITABLE = stat.S_IWGRP | stat.S_IWOTH


def _installed(world: World) -> Finding:
    definition = _agent(world).definition
    if not definition.exists():
        return ok(f"not as a service (to have it at every login: {_ANEW})")
    if world.platform == MACOS and definition.stat().st_mode & _WRITABLE:
        return trouble(
            f"Others may write {definition}: launchd does not load it.",
            f"chmod 644 '{definition}' && sdcam service restart",
        )
    for program in _programs(definition):
        if not program.exists():
            return trouble(f"{definition} starts {program}, which is gone.", _ANEW)
    pythons = [each for each in _programs(definition) if "python" in each.name.lower()]
    if pythons and pythons[0] != interpreter():
        return warning(
            f"The service runs on {pythons[0]}, this command on {interpreter()}.",
            f"To run it on this one: {_ANEW}",
        )
    return ok(str(definition))


def _agent(world: World) -> LaunchAgent | UserUnit:
    return LaunchAgent() if world.platform == MACOS else UserUnit()


def _programs(definition: Path) -> list[Path]:
    """What has to exist for it to start: of the unit its Python; of the LaunchAgent the app's
    launcher, and what that loads."""
    if definition.suffix != ".plist":
        lines = definition.read_text(encoding="utf-8").splitlines()
        start = next((line for line in lines if line.startswith("ExecStart=")), "ExecStart=")
        words = shlex.split(start.partition("=")[2])
        return [Path(words[0].replace("%%", "%").replace("$$", "$"))] if words else []
    launcher = Path(plistlib.loads(definition.read_bytes())["ProgramArguments"][0])
    note = AppBundle().path / "Contents" / "Resources" / "python.txt"
    loaded = note.read_text(encoding="utf-8").splitlines() if note.exists() else []
    return [launcher, *(Path(line) for line in reversed(loaded) if line)]


def _kept_running(world: World) -> Finding:
    agent = _agent(world)
    if not agent.definition.exists():
        return not_here("It is not installed.")
    try:
        state = agent.state()
    except MissingError as error:  # no launchctl, no systemd, no session of this user
        return warning(error.what, *filter(None, [error.todo]))
    if state.pid is not None:
        return ok(f"{state.state}, process {state.pid}")
    return trouble(f"It is not running: {_ended(state)}.", *_todo(state))


def _ended(state: ServiceState) -> str:
    return f"{state.state}, last exit {state.last_exit}" if state.last_exit else state.state


def _todo(state: ServiceState) -> tuple[str, ...]:
    return state.note or "sdcam service start", "sdcam service logs tells why"


CHECKS = (
    Check(Group.SERVICE, "installed", _installed),
    Check(Group.SERVICE, "kept running", _kept_running),
)
