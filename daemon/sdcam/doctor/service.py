"""The service: its configuration, its installation, the running process, its socket and logs."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from pathlib import Path

from sdcam import __version__, paths
from sdcam.control.client import socket_address
from sdcam.doctor.check import MACOS, Finding, Group, check, not_here, ok, trouble, warning
from sdcam.doctor.probe import HostProbe
from sdcam.errors import MissingError
from sdcam.install import service_agent
from sdcam.install.service_agent import interpreter
from sdcam.settings import ConfigError

_MAX_LISTED = 5  # mistakes of the configuration
_INSTALL = "sdcam service install"
_RESTART = "sdcam service restart"
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_MAX_SOCKET_PATH = {"linux": 107, "darwin": 103}  # bytes in sockaddr_un
_RECENT_SECONDS = 7 * 24 * 3600
_TAIL_BYTES = 256 * 1024
_CRASH = re.compile(r"^Fatal Python error: (.+)$", re.MULTILINE)


@check(Group.CONFIGURATION, "file")
def configuration(host: HostProbe) -> Finding:
    settings = host.settings_or_error
    path = host.config or paths.config_file()
    if isinstance(settings, ConfigError):
        mistakes = [str(issue) for issue in settings.issues]
        more = len(mistakes) - _MAX_LISTED
        return trouble(
            f"The configuration has {len(mistakes)} mistakes; these checks use the defaults."
            if len(mistakes) > 1
            else "The configuration has a mistake; these checks use the defaults.",
            *mistakes[:_MAX_LISTED],
            *([f"and {more} more"] if more > 0 else []),
            settings.todo or "sdcam config edit opens it; sdcam config check checks it",
        )
    if not path.exists():
        return ok(f"all defaults; there is no {path} (sdcam config init writes one)")
    return ok(str(path))


@check(Group.CONFIGURATION, "environment")
def environment(host: HostProbe) -> Finding:
    """launchd and systemd start the service without the variables of a shell."""
    names = sorted(name for name in os.environ if name.upper().startswith("SDCAM_"))
    names = [name for name in names if name != "SDCAM_LAUNCHER"]
    if not names:
        return ok("no variables override it")
    return warning(
        f"{', '.join(names)} {'overrides' if len(names) == 1 else 'override'} it in this terminal; "
        "the background service does not see that.",
        f"Put it into the file (sdcam config edit), then: unset {' '.join(names)}",
    )


@check(Group.SERVICE, "installed")
def installed(host: HostProbe) -> Finding:
    """Whether the installed service starts the Python that runs this command."""
    agent = service_agent(host.platform)
    definition = agent.definition
    if not definition.exists():
        return ok(f"not as a service (to run it at every login: {_INSTALL})")
    if host.platform == MACOS and definition.stat().st_mode & _WRITABLE_BY_OTHERS:
        return trouble(
            f"Others may write {definition}: launchd does not load it.",
            f"chmod 644 '{definition}' && {_RESTART}",
        )
    programs = agent.programs()
    for program in programs:
        if not program.exists():
            return trouble(f"{definition} starts {program}, which is gone.", _INSTALL)
    python = programs[-1] if programs else interpreter()
    if "python" in python.name.lower() and python != interpreter():
        return warning(
            f"The service runs on {python}, this command on {interpreter()}.",
            f"To run it on this one: {_INSTALL}",
        )
    return ok(str(definition))


@check(Group.SERVICE, "kept running")
def kept_running(host: HostProbe) -> Finding:
    agent = service_agent(host.platform)
    if not agent.definition.exists():
        return not_here("It is not installed.")
    try:
        state = agent.state()
    except MissingError as error:  # no launchctl, no systemd, or no session of this user
        return warning(error.what, *filter(None, [error.todo]))
    if state.pid is not None:
        return ok(f"{state.state}, process {state.pid}")
    exit_ = f", last exit {state.last_exit}" if state.last_exit else ""
    return trouble(
        f"It is not running: {state.state}{exit_}.",
        state.note or "sdcam service start",
        "sdcam service logs tells why",
    )


@check(Group.SERVICE, "running")
def running(host: HostProbe) -> Finding:
    status = host.status
    if isinstance(status, MissingError):
        if holder := _lock_holder(socket_address(host.config)):
            return trouble(
                f"Process {holder} is the service, but does not listen.",
                f"Wait some seconds. If that does not help: kill {holder}",
            )
        return ok("not running (sdcam run, or sdcam service start)")
    if not isinstance(status, dict):
        return trouble(f"It runs, but: {status.what}", status.todo or _RESTART)
    version = str(status.get("version", "unknown"))
    if version != __version__:
        return warning(f"It runs as version {version}, this command is {__version__}.", _RESTART)
    return ok(f"{status.get('state')}, version {version}")


@check(Group.SERVICE, "complaints")
def complaints(host: HostProbe) -> Finding:
    if not isinstance(host.status, dict):
        return not_here("No service runs.")
    faults = host.status.get("faults") or {}
    if not faults:
        return ok("none")
    return trouble("; ".join(f"{part}: {text}" for part, text in faults.items()), "sdcam status")


@check(Group.SERVICE, "socket")
def socket(host: HostProbe) -> Finding:
    path = socket_address(host.config)
    if len(os.fsencode(path)) > _MAX_SOCKET_PATH.get(host.platform, 103):
        return trouble(
            f"The path of the control socket is too long for a socket: {path}.",
            'sdcam config edit: service.socket is a shorter path, or "auto".',
        )
    folder = path.parent
    if folder.exists():
        status = folder.stat()
        if status.st_uid != os.getuid():
            return trouble(
                f"The folder {folder} belongs to another user.",
                'sdcam config edit: service.socket is a path in a folder of yours, or "auto".',
            )
        if stat.S_IMODE(status.st_mode) & 0o077:
            return trouble(f"Others may enter {folder}.", f"chmod 700 '{folder}'")
    runs = not isinstance(host.status, MissingError)
    if path.exists() and not runs:
        return warning(
            f"{path} was left behind by a service that was killed; the next one replaces it.",
            f"rm '{path}'",
        )
    return ok(str(path) if path.exists() or runs else f"free: {path}")


def _lock_holder(socket: Path) -> str:
    """The process that holds the service's lock; "" if there is none."""
    try:
        with socket.with_suffix(".lock").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read(20).decode("ascii", "replace").strip() or "unknown"
    except OSError:
        pass
    return ""


@check(Group.SERVICE, "log")
def log(host: HostProbe) -> Finding:
    path = paths.log_file(host.settings.service.log_file)
    if path.is_dir():
        return trouble(f"The log {path} is a folder.", "sdcam config edit: service.log_file")
    existing = next(each for each in (path, *path.parents) if each.exists())
    if not host.may_use(existing):
        return trouble(
            f"The log {path} cannot be written: this user may not write {existing}.",
            f"sudo chown -R $USER '{existing}'",
            'or: sdcam config edit, service.log_file = "auto"',
        )
    return ok(str(path) if path.exists() else f"{path} (not written yet)")


@check(Group.SERVICE, "crashes")
def crashes(host: HostProbe) -> Finding:
    path = paths.crash_file(host.settings.service.log_file)
    found = _CRASH.findall(_tail(path))
    if not found:
        return ok("no crash is on record")
    written = path.stat().st_mtime  # of the last line on stderr, usually a crash
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(written))
    last = f"{found[-1]}, on {day} or before"
    if time.time() - written > _RECENT_SECONDS:
        return ok(f"the last crash ({last}) is long ago: {path}")
    return warning(
        f"A process of the service crashed ({last}).", f"{path} shows where: for a bug report"
    )


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
