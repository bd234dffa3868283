"""`sdcam doctor`: every known problem of this machine by name, with its fix.

The checks ask the functions that the service itself uses, and add a verdict and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sdcam.doctor import camera, loopback, machine, model, obs_extension, service
from sdcam.doctor.check import LINUX, MACOS, Check, Finding, Group, Verdict
from sdcam.doctor.probe import HostProbe
from sdcam.errors import ExitCode
from sdcam.platforms.loopback import loopback_devices
from sdcam.platforms.names import OBS_CAMERA

__all__ = [
    "Check",
    "Finding",
    "Group",
    "HostProbe",
    "Pick",
    "Verdict",
    "checks_for",
    "examine",
    "exit_code",
    "pick",
]

# In the order in which they are read: a trouble comes before those that follow from it.
CHECKS: tuple[Check, ...] = (
    machine.system, machine.processor, machine.python, machine.compiler, machine.shared_memory,
    machine.packages, machine.libraries,
    camera.found, camera.access, camera.permission, camera.in_use, camera.pictures,
    loopback.module, loopback.secure_boot,
    obs_extension.obs, obs_extension.extension, obs_extension.in_apps, obs_extension.size,
    loopback.name, loopback.exclusive_caps, loopback.access, loopback.in_use,
    model.model, model.files, model.engine,
    service.configuration, service.environment,
    service.installed, service.kept_running, service.running, service.complaints, service.socket,
    service.log, service.crashes,
    machine.models_room, machine.cache_room, machine.log_room,
)  # fmt: skip


@dataclass(frozen=True)
class Pick:
    """The camera to select in the apps of this system; `name` is empty if there is none."""

    name: str
    why: str


def checks_for(host: HostProbe) -> list[Check]:
    """The checks of this platform; on an unsupported one only the first, which says so."""
    if host.platform not in (LINUX, MACOS):
        return [CHECKS[0]]
    return [each for each in CHECKS if each.only_on in ("", host.platform)]


def examine(host: HostProbe) -> Iterator[tuple[Check, Finding]]:
    """Yields each finding at once: some take seconds."""
    for each in checks_for(host):
        yield each, each.examine(host)


def exit_code(findings: Iterable[Finding]) -> ExitCode:
    """3 if a device, a permission or a model is missing, 1 for another trouble, else 0."""
    return max(
        (each.exit_code for each in findings if each.verdict is Verdict.TROUBLE),
        default=ExitCode.DONE,
    )


def pick(host: HostProbe) -> Pick:
    if host.platform == MACOS:
        return Pick(
            OBS_CAMERA,
            "Its name is fixed in OBS's signed extension, which carries the picture "
            "(https://github.com/obsproject/obs-studio/issues/4053)",
        )
    if host.platform != LINUX:
        return Pick("", "There is no virtual camera for this system")
    label = loopback_devices(host.at("/sys")).get(loopback.find_device(host))
    return Pick(
        label or host.settings.output.device,
        "Apps list it while sdcam runs: start sdcam first, then the call",
    )
