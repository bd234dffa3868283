"""OBS's camera extension, the virtual camera of macOS."""

from __future__ import annotations

import plistlib
import re
from dataclasses import dataclass

from sdcam.capture.cameras import Kind
from sdcam.doctor.check import (
    MACOS,
    Check,
    Finding,
    Group,
    missing,
    not_here,
    ok,
    trouble,
    warning,
)
from sdcam.doctor.world import World
from sdcam.output.virtual_camera import OBS_SIZES
from sdcam.platforms.names import OBS_CAMERA

_OBS = "/Applications/OBS.app"
_OLDEST_OBS = 30
_INSTALL = "brew install --cask obs"
_EXTENSION = "com.obsproject.obs-studio.mac-camera-extension"
_SETTINGS = "System Settings > General > Login Items & Extensions > Camera Extensions"

_START_ONCE = 'Open OBS, press "Start Virtual Camera" once, allow what macOS asks, quit OBS.'
_APPROVE = f"{_SETTINGS}: turn OBS on (macOS 14: Privacy & Security > Allow)"
_RESTART = "Restart the Mac."
_ISSUES = "https://github.com/obsproject/obs-studio/issues/"
# What `systemextensionsctl list` calls a state: (our sentence, what to do, where it is discussed).
_STATES = {
    "activated waiting for user": (
        "OBS's camera extension waits for your approval.", (_APPROVE,), "10381",
    ),
    "activated disabled": (
        "OBS's camera extension is turned off.", (_APPROVE,), "11571",
    ),
    "activated waiting to reboot": (
        "OBS's camera extension is active after a restart.", (_RESTART,), "",
    ),
    "activated waiting to upgrade": (
        "OBS's camera extension is being replaced by another version.", (_RESTART,), "9912",
    ),
    "terminated waiting to uninstall on reboot": (
        "OBS's camera extension was removed; the rest of it goes at the next restart.",
        (_RESTART, _START_ONCE), "9714",
    ),
    "terminating for uninstall": (
        "OBS's camera extension is being removed.", (_RESTART, _START_ONCE), "9714",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Extension:
    """A line of `systemextensionsctl list`."""

    bundle: str
    version: str  # "32.1.1/23916622335"
    state: str  # "activated enabled"


_LINE = re.compile(
    r"(?P<bundle>[\w.-]+\.[\w.-]+) \((?P<version>[^)]*)\).*\[(?P<state>[^\]]+)\]\s*$"
)


def extensions_in(listing: str) -> list[Extension]:
    """Everything that `systemextensionsctl list` lists; its columns are parted by tabs or blanks,
    and its own complaints stand in between."""
    return [
        Extension(**found.groupdict())
        for line in listing.splitlines()
        if (found := _LINE.search(line))
    ]


def _application(world: World) -> Finding:
    info = world.at(f"{_OBS}/Contents/Info.plist")
    if not info.exists():
        return missing(
            "OBS is not in /Applications, from where alone macOS installs its camera.",
            _INSTALL,
            _START_ONCE,
        )
    version = str(plistlib.loads(info.read_bytes()).get("CFBundleShortVersionString", ""))
    major = version.split(".", maxsplit=1)[0]
    if major.isdigit() and int(major) < _OLDEST_OBS:
        return missing(
            f"OBS {version} has no camera extension; {_OLDEST_OBS} is the first.",
            "brew upgrade --cask obs",
            _START_ONCE,
        )
    running = world.run("pgrep", "-x", "OBS")
    if running is not None and running.ok:
        return warning(
            f"OBS {version} is running: with its own virtual camera started, the two compete.",
            'Leave "Start Virtual Camera" alone while sdcam runs, or quit OBS.',
        )
    return ok(f"OBS {version}")


def _extension(world: World) -> Finding:
    told = world.run("systemextensionsctl", "list", seconds=10.0)
    if told is None or not told.ok:
        return warning(
            "macOS does not list its system extensions.", "Try: systemextensionsctl list"
        )
    ours = [e for e in extensions_in(told.out) if e.bundle == _EXTENSION]
    if not ours:
        return missing("OBS's camera extension is not installed.", _START_ONCE, _APPROVE)
    enabled = [each for each in ours if each.state == "activated enabled"]
    if enabled:
        return ok(f"OBS's camera extension {enabled[0].version} is active")
    # After an update the old one is listed beside the new one; the new one counts.
    state = max((each.state for each in ours), key=lambda state: state.startswith("activated"))
    said, fix, issue = _STATES.get(
        state, (f'OBS\'s camera extension is "{state}".', (_RESTART, _START_ONCE), "")
    )
    return missing(said, *fix, link=_ISSUES + issue if issue else "")


def _apps_see_it(world: World) -> Finding:
    """An extension can be active and yet not run: after an update of OBS, mostly."""
    if _extension(world).fix:
        return not_here("The extension is not active.")
    if any(camera.kind is Kind.VIRTUAL for camera in world.cameras):
        return ok(f'apps see "{OBS_CAMERA}"')
    return missing(
        f'The extension is active, but macOS lists no "{OBS_CAMERA}".',
        "Log out of macOS and in again, which starts the extensions anew.",
        "If that does not help: drag OBS to the Bin in Finder, restart, install it again.",
        link=_ISSUES + "9912",
    )


def _size(world: World) -> Finding:
    output = world.settings.output
    if (output.width, output.height) in OBS_SIZES:
        return ok(f"{output.width}x{output.height}")
    return trouble(
        f"{OBS_CAMERA} does not show {output.width}x{output.height}.",
        "sdcam config edit: output.width and output.height are 1280 and 720, or 1920 and 1080.",
        link=_ISSUES + "10263",
    )


CHECKS = (
    Check(Group.VIRTUAL_CAMERA, "OBS", _application, (MACOS,)),
    Check(Group.VIRTUAL_CAMERA, "extension", _extension, (MACOS,)),
    Check(Group.VIRTUAL_CAMERA, "in apps", _apps_see_it, (MACOS,)),
    Check(Group.VIRTUAL_CAMERA, "size", _size, (MACOS,)),
)
