"""The running service: whether it answers, what it complains of, what a dead one left behind."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

from sdcam import __version__
from sdcam.control.client import socket_address
from sdcam.doctor.check import Check, Finding, Group, not_here, ok, trouble, warning
from sdcam.doctor.world import World
from sdcam.errors import MissingError

_LONGEST_SOCKET = {"linux": 107, "darwin": 103}  # bytes of a path in sockaddr_un
_RESTART = "sdcam service restart"


def _answers(world: World) -> Finding:
    status = world.status
    if isinstance(status, MissingError):
        holder = _lock_holder(socket_address(world.config))
        if holder:
            return trouble(
                f"Process {holder} is the service, but does not listen.",
                f"Wait some seconds; else: kill {holder}",
            )
        return ok("not running (sdcam run, or sdcam service start)")
    if not isinstance(status, dict):
        return trouble(f"It runs, but: {status.what}", status.todo or _RESTART)
    version = str(status.get("version", "of another time"))
    if version != __version__:
        return warning(f"It runs as version {version}, this command is {__version__}.", _RESTART)
    return ok(f"{status.get('state')}, version {version}")


def _complaints(world: World) -> Finding:
    if not isinstance(world.status, dict):
        return not_here("No service runs.")
    faults = world.status.get("faults") or {}
    if not faults:
        return ok("none")
    return trouble("; ".join(f"{part}: {text}" for part, text in faults.items()), "sdcam status")


def _socket(world: World) -> Finding:
    path = socket_address(world.config)
    if len(os.fsencode(path)) > _LONGEST_SOCKET.get(world.platform, 103):
        return trouble(
            f"The path of the control socket is too long for a socket: {path}.",
            'sdcam config edit: service.socket is a shorter path, or "auto".',
        )
    folder = path.parent
    if folder.exists() and (told := _unsafe(folder)):
        return told
    if not path.exists():
        return ok(f"free: {path}") if isinstance(world.status, MissingError) else ok(str(path))
    if isinstance(world.status, MissingError):
        return warning(
            f"{path} was left behind by a service that was killed; the next one replaces it.",
            f"rm '{path}'",
        )
    return ok(str(path))


def _unsafe(folder: Path) -> Finding | None:
    found = folder.stat()
    if found.st_uid != os.getuid():
        return trouble(
            f"The folder {folder} belongs to another user.",
            'sdcam config edit: service.socket is a path in a folder of yours, or "auto".',
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        return trouble(f"Others may enter {folder}.", f"chmod 700 '{folder}'")
    return None


def _lock_holder(socket: Path) -> str:
    """The process that holds the lock of the service; "" where nobody does."""
    try:
        with socket.with_suffix(".lock").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read(20).decode("ascii", "replace").strip() or "unknown"
    except OSError:
        pass
    return ""


CHECKS = (
    Check(Group.SERVICE, "running", _answers),
    Check(Group.SERVICE, "complaints", _complaints),
    Check(Group.SERVICE, "socket", _socket),
)
