"""The configuration: file, line and key of each mistake, and what overrides it."""

from __future__ import annotations

import os

from sdcam import paths
from sdcam.doctor.check import Check, Finding, Group, ok, trouble, warning
from sdcam.doctor.world import World
from sdcam.settings import ConfigError

_MOST = 5  # mistakes that are told one by one


def _file(world: World) -> Finding:
    settings = world.settings_or_mistakes
    path = world.config or paths.config_file()
    if isinstance(settings, ConfigError):
        mistakes = [str(issue) for issue in settings.issues]
        count = f"{len(mistakes)} mistakes" if len(mistakes) > 1 else "a mistake"
        more = [f"and {len(mistakes) - _MOST} more"] if len(mistakes) > _MOST else []
        last = [settings.todo or "sdcam config edit opens it; sdcam config check checks it"]
        return trouble(
            f"There is {count} in the configuration; the defaults stand in for it here.",
            *mistakes[:_MOST],
            *more,
            *last,
        )
    if not path.exists():
        return ok(f"all defaults; there is no {path} (sdcam config init writes one)")
    return ok(str(path))


def _environment(world: World) -> Finding:
    """launchd and systemd start the service without what a shell exports."""
    names = sorted(name for name in os.environ if name.upper().startswith("SDCAM_"))
    names = [name for name in names if name != "SDCAM_LAUNCHER"]
    if not names:
        return ok("no variables override it")
    return warning(
        f"{', '.join(names)} {'overrides' if len(names) == 1 else 'override'} it in this terminal; "
        "the background service does not see that.",
        f"Put it into the file (sdcam config edit), then: unset {' '.join(names)}",
    )


CHECKS = (
    Check(Group.CONFIGURATION, "file", _file),
    Check(Group.CONFIGURATION, "environment", _environment),
)
