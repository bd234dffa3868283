"""The service's log: can it be written, and does it tell of a crash?"""

from __future__ import annotations

import time
from pathlib import Path

from sdcam.service.doctor.check import Check, Finding, Group, ok, trouble, warning
from sdcam.service.doctor.world import World
from sdcam.service.log_place import log_file

_RECENT_SECONDS = 7 * 24 * 3600
_CRASHES = "*crash*"


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
    folder = log_file(world.settings.service.log_file).parent
    crashes = [(p.stat().st_mtime, p) for p in folder.glob(_CRASHES) if p.stat().st_size]
    if not crashes:
        return ok("no crash is on record")
    when, path = max(crashes)
    said = time.strftime("%Y-%m-%d %H:%M", time.localtime(when))
    if time.time() - when > _RECENT_SECONDS:
        return ok(f"the last crash was at {said}: {path}")
    return warning(
        f"A process of the service crashed at {said}.",
        f"{path} tells where; it belongs into a bug report",
    )


CHECKS = (
    Check(Group.SERVICE, "log", _writable),
    Check(Group.SERVICE, "crashes", _last_crash),
)
