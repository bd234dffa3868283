"""The system, its Python, and what every process of the service needs of it."""

from __future__ import annotations

import sys

from sdcam.doctor.check import (
    LINUX,
    MACOS,
    Check,
    Finding,
    Group,
    missing,
    ok,
    trouble,
    warning,
)
from sdcam.doctor.world import World
from sdcam.platforms.macos import OLDEST_MACOS

_OLDEST_PYTHON, _NEWEST_PYTHON = (3, 10), (3, 13)
_ANOTHER_PYTHON = "Make the venv with another one: python3.13 -m venv .venv"


def _system(world: World) -> Finding:
    if world.platform == LINUX:
        return ok(f"{_linux_name(world)}, kernel {world.kernel}, {world.machine}")
    if world.platform != MACOS:
        return trouble(
            f"{world.platform}: StreamDiffusion Cam runs on macOS and Linux.",
            "On Windows there is no virtual camera for it, and nothing of it was tried there; "
            "WSL has neither cameras nor v4l2loopback without a kernel of your own.",
        )
    told = world.run("sw_vers", "-productVersion")
    version = told.out.strip() if told is not None and told.ok else ""
    if not version[:1].isdigit():
        return warning("macOS does not tell its version.", "Try: sw_vers")
    if int(version.split(".")[0]) < OLDEST_MACOS:
        return trouble(
            f"macOS {version}: Core ML and OBS's camera extension are used as they are from macOS "
            f"{OLDEST_MACOS} on.",
            "System Settings > General > Software Update",
        )
    return ok(f"macOS {version}, {world.machine}")


def _linux_name(world: World) -> str:
    for line in world.text("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "Linux"


def _processor(world: World) -> Finding:
    """An Intel Python on an Apple machine works, at a fraction of the speed."""
    if world.machine == "arm64":
        return ok("Apple Silicon")
    told = world.run("sysctl", "-n", "hw.optional.arm64")
    if told is not None and told.out.strip() == "1":
        return trouble(
            "This Python is made for Intel and runs translated (Rosetta): no Neural Engine, and "
            "much slower.",
            "Make the venv with an arm64 Python: arch -arm64 python3 -m venv .venv",
        )
    return warning(
        "An Intel Mac: there is no Neural Engine, and Core ML was written for here with Apple "
        "Silicon in mind.",
        'Try: sdcam bench; the embedded model runs with model.engine = "openvino".',
    )


def _python(world: World) -> Finding:
    version = ".".join(str(part) for part in world.python)
    if world.python[:2] < _OLDEST_PYTHON:
        return trouble(f"Python {version} is older than 3.10.", _ANOTHER_PYTHON)
    if world.python[:2] > _NEWEST_PYTHON:
        return trouble(
            f"Python {version} is newer than 3.13: coremltools has no release for it.",
            _ANOTHER_PYTHON,
            link="https://github.com/apple/coremltools/issues/2646",
        )
    return ok(f"{version}, {sys.executable}")


def _compiler(world: World) -> Finding:
    """`sdcam service install` compiles the app that macOS gives the camera to."""
    told = world.run("xcode-select", "-p")
    if told is not None and told.ok:
        return ok(told.out.strip())
    return warning(
        "There is no C compiler, which `sdcam service install` needs once.",
        "xcode-select --install",
    )


def _shared_memory(world: World) -> Finding:
    from sdcam.workers.shared_memory import SharedBlock

    try:
        block = SharedBlock(1 << 20)
        block.bytes()[-1] = 1
        block.close()
    except (OSError, AttributeError, ImportError) as error:
        return missing(
            f"Processes cannot share memory here: {error}.",
            "A container or sandbox must allow memfd_create; `ulimit -n` must leave descriptors.",
        )
    return ok("processes can share memory")


CHECKS = (
    Check(Group.MACHINE, "system", _system),
    Check(Group.MACHINE, "processor", _processor, (MACOS,)),
    Check(Group.MACHINE, "python", _python),
    Check(Group.MACHINE, "compiler", _compiler, (MACOS,)),
    Check(Group.MACHINE, "shared memory", _shared_memory),
)
