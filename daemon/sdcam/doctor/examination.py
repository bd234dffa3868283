"""All checks in the order in which they are read, and what comes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sdcam.doctor import (
    camera,
    configuration,
    disk,
    engine,
    installed,
    kernel_module,
    log,
    loopback,
    machine,
    model,
    obs,
    packages,
    pictures,
    running,
)
from sdcam.doctor.check import LINUX, MACOS, Check, Finding, Verdict
from sdcam.doctor.world import World
from sdcam.errors import ExitCode
from sdcam.platforms.names import OBS_CAMERA

CHECKS: tuple[Check, ...] = (
    *machine.CHECKS,
    *packages.CHECKS,
    *camera.CHECKS,
    *pictures.CHECKS,
    *kernel_module.CHECKS,
    *obs.CHECKS,
    *loopback.CHECKS,
    *model.CHECKS,
    *engine.CHECKS,
    *configuration.CHECKS,
    *installed.CHECKS,
    *running.CHECKS,
    *log.CHECKS,
    *disk.CHECKS,
)
_SUPPORTED = (LINUX, MACOS)


@dataclass(frozen=True)
class Pick:
    """Which camera to select in the apps of this system; `name` is empty where there is none."""

    name: str
    why: str


def checks_for(world: World) -> list[Check]:
    """Those that make sense on this platform; on one that is not supported only the first."""
    if world.platform not in _SUPPORTED:
        return [CHECKS[0]]
    return [c for c in CHECKS if not c.only_on or world.platform in c.only_on]


def examine(world: World) -> Iterator[tuple[Check, Finding]]:
    """One after the other, as they are found."""
    for check in checks_for(world):
        yield check, check.examine(world)


def exit_code(findings: Iterable[Finding]) -> ExitCode:
    """3 when a device, a permission or a model is missing, 1 for another trouble, else 0."""
    return max(
        (f.exit_code for f in findings if f.verdict is Verdict.TROUBLE), default=ExitCode.DONE
    )


def pick(world: World) -> Pick:
    if world.platform == MACOS:
        return Pick(
            OBS_CAMERA,
            "Its name is fixed in OBS's signed extension, which carries the picture "
            "(https://github.com/obsproject/obs-studio/issues/4053)",
        )
    if world.platform != LINUX:
        return Pick("", "There is no virtual camera for this system")
    node = loopback.find_device(world)
    label = loopback.loopbacks(world).get(node) or world.settings.output.device
    return Pick(label, "Apps list it while sdcam runs: start sdcam first, then the call")
