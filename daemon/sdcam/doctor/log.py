"""The service's log: can it be written, and does it tell of a crash?"""

from __future__ import annotations

import re
import time
from pathlib import Path

from sdcam.doctor.check import Check, Finding, Group, ok, trouble, warning
from sdcam.doctor.world import World
from sdcam.paths import crash_file, log_file

_RECENT_SECONDS = 7 * 24 * 3600
_READ = 256 * 1024  # bytes of its end
_CRASH = re.compile(r"^Fatal Python error: (.+)$", re.MULTILINE)


def _writable(world: World) -> Finding:
    path = log_file(world.settings.service.log_file)
    if path.is_dir():
        return trouble(f"The log {path} is a folder.", "sdcam config edit: service.log_file")
    there = path if path.exists() else _nearest(path)
    if not world.may_use(there):
        return trouble(
            f"The log {path} cannot be written: {there} is not yours to write.",
            f"sudo chown -R $USER '{there}'",
            'or: sdcam config edit, service.log_file = "auto"',
        )
    return ok(str(path) if path.exists() else f"{path} (not written yet)")


def _nearest(path: Path) -> Path:
    """The folder that is there, in which the missing ones would be made."""
    return next(folder for folder in path.parents if folder.exists())


def _last_crash(world: World) -> Finding:
    path = crash_file(world.settings.service.log_file)
    crashes = _CRASH.findall(_end_of(path))
    if not crashes:
        return ok("no crash is on record")
    when = path.stat().st_mtime  # of the last word on stderr, which a crash mostly is
    said = (
        f"{crashes[-1]}, on {time.strftime('%Y-%m-%d %H:%M', time.localtime(when))} at the latest"
    )
    if time.time() - when > _RECENT_SECONDS:
        return ok(f"the last crash ({said}) is long ago: {path}")
    return warning(
        f"A process of the service crashed ({said}).",
        f"{path} tells where: for a bug report",
    )


def _end_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _READ))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


CHECKS = (
    Check(Group.SERVICE, "log", _writable),
    Check(Group.SERVICE, "crashes", _last_crash),
)
