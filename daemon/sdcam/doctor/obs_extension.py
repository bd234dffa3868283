"""OBS's camera extension, the virtual camera of macOS."""

from __future__ import annotations

import plistlib
import re
from dataclasses import dataclass

from sdcam.capture import Kind
from sdcam.doctor.check import MACOS, Finding, Group, check, missing, not_here, ok, trouble, warning
from sdcam.doctor.probe import HostProbe
from sdcam.output.obs_camera import OBS_SIZES
from sdcam.platforms.names import OBS_CAMERA

_OBS = "/Applications/OBS.app"
_OLDEST_OBS = 30
_EXTENSION = "com.obsproject.obs-studio.mac-camera-extension"
_SETTINGS = "System Settings > General > Login Items & Extensions > Camera Extensions"

_START_ONCE = 'Open OBS, press "Start Virtual Camera" once, allow what macOS asks, quit OBS.'
_APPROVE = f"{_SETTINGS}: turn OBS on (macOS 14: Privacy & Security > Allow)"
_RESTART = "Restart the Mac."
_ISSUES = "https://github.com/obsproject/obs-studio/issues/"
# By the state in `systemextensionsctl list`: our sentence, what to do, the issue.
_STATES = {
    "activated waiting for user": ("waits for your approval", (_APPROVE,), "10381"),
    "activated disabled": ("is turned off", (_APPROVE,), "11571"),
    "activated waiting to reboot": ("is active after a restart", (_RESTART,), ""),
    "activated waiting to upgrade": (
        "is being replaced by another version", (_RESTART,), "9912",
    ),
    "terminated waiting to uninstall on reboot": (
        "was removed; the rest of it goes at the next restart", (_RESTART, _START_ONCE), "9714",
    ),
    "terminating for uninstall": ("is being removed", (_RESTART, _START_ONCE), "9714"),
}  # fmt: skip
_LINE = re.compile(
    r"(?P<bundle>[\w.-]+\.[\w.-]+) \((?P<version>[^)]*)\).*\[(?P<state>[^\]]+)\]\s*$"
)


@dataclass(frozen=True)
class Extension:
    """A line of `systemextensionsctl list`."""

    bundle: str
    version: str  # "32.1.1/23916622335"
    state: str  # "activated enabled"


def extensions_in(listing: str) -> list[Extension]:
    """All lines that name an extension. Tabs or blanks separate the columns, and the tool prints
    warnings in between."""
    return [
        Extension(**match.groupdict())
        for line in listing.splitlines()
        if (match := _LINE.search(line))
    ]


@check(Group.VIRTUAL_CAMERA, "OBS", MACOS)
def obs(host: HostProbe) -> Finding:
    info = host.at(f"{_OBS}/Contents/Info.plist")
    if not info.exists():
        return missing(
            "OBS is not in /Applications; macOS installs its camera from no other folder.",
            "brew install --cask obs",
            _START_ONCE,
        )
    version = str(plistlib.loads(info.read_bytes()).get("CFBundleShortVersionString", ""))
    major = version.split(".", maxsplit=1)[0]
    if major.isdigit() and int(major) < _OLDEST_OBS:
        return missing(
            f"OBS {version} has no camera extension; {_OLDEST_OBS} is the first that has.",
            "brew upgrade --cask obs",
            _START_ONCE,
        )
    if host.output("pgrep", "-x", "OBS"):
        return warning(
            f"OBS {version} is running. If its own virtual camera is started, both write to it.",
            'Do not use "Start Virtual Camera" while sdcam runs, or quit OBS.',
        )
    return ok(f"OBS {version}")


@check(Group.VIRTUAL_CAMERA, "extension", MACOS)
def extension(host: HostProbe) -> Finding:
    done = host.run("systemextensionsctl", "list", seconds=10.0)
    if done is None or not done.ok:
        return warning(
            "macOS does not list its system extensions.", "Try: systemextensionsctl list"
        )
    ours = [each for each in extensions_in(done.out) if each.bundle == _EXTENSION]
    if not ours:
        return missing("OBS's camera extension is not installed.", _START_ONCE, _APPROVE)
    enabled = [each for each in ours if each.state == "activated enabled"]
    if enabled:
        return ok(f"OBS's camera extension {enabled[0].version} is active")
    # After an update the old one is listed beside the new one, which counts.
    state = max((each.state for each in ours), key=lambda state: state.startswith("activated"))
    what, fix, issue = _STATES.get(state, (f'is "{state}"', (_RESTART, _START_ONCE), ""))
    link = _ISSUES + issue if issue else ""
    return missing(f"OBS's camera extension {what}.", *fix, link=link)


@check(Group.VIRTUAL_CAMERA, "in apps", MACOS)
def in_apps(host: HostProbe) -> Finding:
    """An active extension may still not run, mostly after an update of OBS."""
    if extension.look(host).fix:
        return not_here("The extension is not active.")
    if any(camera.kind is Kind.VIRTUAL for camera in host.cameras):
        return ok(f'apps see "{OBS_CAMERA}"')
    return missing(
        f'The extension is active, but macOS lists no "{OBS_CAMERA}".',
        "Log out of macOS and in again, which restarts the extensions.",
        "If that does not help: drag OBS to the Bin in Finder, restart, install it again.",
        link=_ISSUES + "9912",
    )


@check(Group.VIRTUAL_CAMERA, "size", MACOS)
def size(host: HostProbe) -> Finding:
    output = host.settings.output
    if (output.width, output.height) in OBS_SIZES:
        return ok(f"{output.width}x{output.height}")
    return trouble(
        f"{OBS_CAMERA} does not show {output.width}x{output.height}.",
        "sdcam config edit: output.width and output.height are 1280 and 720, or 1920 and 1080.",
        link=_ISSUES + "10263",
    )
