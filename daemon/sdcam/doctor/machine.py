"""The system, its Python and packages, and room on the disk."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from sdcam.doctor.check import LINUX, MACOS, Finding, Group, check, missing, ok, trouble, warning
from sdcam.doctor.probe import HostProbe
from sdcam.models.registry import in_words, models_folder
from sdcam.paths import cache_folder, log_file
from sdcam.platforms.macos import OLDEST_MACOS

_OLDEST_PYTHON, _NEWEST_PYTHON = (3, 10), (3, 13)
_OTHER_PYTHON = "Make the venv with another Python: python3.13 -m venv .venv"
_NUMPY_LINK = "https://github.com/apple/coremltools/issues/2633"
_NATIVE = ("numpy", "cv2", "openvino", "pyvirtualcam", "tokenizers")
_LOAD_SECONDS = 90.0
# Prints each name before it is loaded, so that the last name is the one that crashed. Modules of
# the current folder are not loaded.
_LOAD = """
import sys
sys.path = [path for path in sys.path if path]
import importlib
for name in sys.argv[1:]:
    print(name, flush=True)
    try:
        importlib.import_module(name)
    except Exception as error:
        print(f"{type(error).__name__}: {error}".splitlines()[0], flush=True)
        sys.exit(1)
print("all")
"""
_GB = 10**9
_FULL = 50 * 10**6  # bytes: less, and a log cannot rotate


@check(Group.MACHINE, "system")
def system(host: HostProbe) -> Finding:
    if host.platform == LINUX:
        return ok(f"{_distribution(host)}, kernel {host.kernel}, {host.machine}")
    if host.platform != MACOS:
        return trouble(
            f"{host.platform}: StreamDiffusion Cam runs on macOS and Linux.",
            "Windows has no virtual camera that it can feed. WSL has neither cameras nor "
            "v4l2loopback, unless you build its kernel yourself.",
        )
    version = host.macos_version()
    if int(version.split(".")[0]) < OLDEST_MACOS:
        return trouble(
            f"macOS {version} is too old: Core ML models are made for {OLDEST_MACOS} and newer.",
            "System Settings > General > Software Update",
        )
    return ok(f"macOS {version}, {host.machine}")


def _distribution(host: HostProbe) -> str:
    for line in host.text("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "Linux"


@check(Group.MACHINE, "processor", MACOS)
def processor(host: HostProbe) -> Finding:
    """An Intel Python on an Apple Silicon Mac works, but much slower."""
    if host.machine == "arm64":
        return ok("Apple Silicon")
    if host.output("sysctl", "-n", "hw.optional.arm64") == "1":
        return trouble(
            "This Python is built for Intel and runs translated (Rosetta): it is much slower and "
            "has no Neural Engine.",
            "Make the venv with an arm64 Python: arch -arm64 python3 -m venv .venv",
        )
    return warning(
        "An Intel Mac has no Neural Engine, and sdcam's Core ML engine is made for Apple Silicon.",
        'Compare with: sdcam bench. The embedded model runs with model.engine = "openvino".',
    )


@check(Group.MACHINE, "python")
def python(host: HostProbe) -> Finding:
    version = ".".join(str(part) for part in host.python)
    if host.python[:2] < _OLDEST_PYTHON:
        return trouble(f"Python {version} is older than 3.10.", _OTHER_PYTHON)
    if host.python[:2] > _NEWEST_PYTHON:
        return trouble(
            f"Python {version} is newer than 3.13: coremltools has no release for it.",
            _OTHER_PYTHON,
            link="https://github.com/apple/coremltools/issues/2646",
        )
    return ok(f"{version}, {sys.executable}")


@check(Group.MACHINE, "compiler", MACOS)
def compiler(host: HostProbe) -> Finding:
    """`sdcam service install` compiles the app that macOS grants the camera to."""
    if tools := host.output("xcode-select", "-p"):
        return ok(tools)
    return warning(
        "There is no C compiler, which `sdcam service install` needs once.",
        "xcode-select --install",
    )


@check(Group.MACHINE, "shared memory")
def shared_memory(host: HostProbe) -> Finding:
    from sdcam.workers.frame_pool import SharedBlock

    try:
        block = SharedBlock(1 << 20)
        block.bytes()[-1] = 1
        block.close()
    except (OSError, AttributeError, ImportError) as error:
        return missing(
            f"Processes cannot share memory here: {error}.",
            "A container or sandbox has to allow memfd_create, and `ulimit -n` more descriptors.",
        )
    return ok("processes can share memory")


@check(Group.MACHINE, "packages")
def packages(host: HostProbe) -> Finding:
    from packaging.requirements import Requirement

    wrong = []
    for text in host.requirements():
        wanted = Requirement(text)
        where = {"extra": "", "sys_platform": host.platform}
        if wanted.marker is not None and not wanted.marker.evaluate(where):
            continue
        found = host.version(wanted.name)
        if found is None or not wanted.specifier.contains(found, prereleases=True):
            wrong.append((wanted.name, found, str(wanted.specifier)))
    if not wrong:
        return _two_opencvs(host)
    kind = trouble if all(found for _, found, _ in wrong) else missing
    return kind(
        "; ".join(
            f"{name} {found} does not fit {specifier}" if found else f"{name} is not installed"
            for name, found, specifier in wrong
        )
        + ".",
        _pip(*(name + specifier for name, _, specifier in wrong)),
        link=_NUMPY_LINK if any(name == "numpy" for name, _, _ in wrong) else "",
    )


def _two_opencvs(host: HostProbe) -> Finding:
    """Both install into the same folder, so parts of each may be overwritten."""
    both = [name for name in ("opencv-python", "opencv-python-headless") if host.version(name)]
    if len(both) == 2:
        return warning(
            "opencv-python and opencv-python-headless are both installed, into the same folder.",
            f"{sys.executable} -m pip uninstall -y {' '.join(both)}, then: "
            + _pip(both[0 if host.platform == MACOS else 1]),
        )
    names = ("numpy", "openvino", "coremltools")
    versions = [f"{name} {version}" for name in names if (version := host.version(name))]
    return ok("fit together: " + ", ".join(versions))


@check(Group.MACHINE, "libraries")
def libraries(host: HostProbe) -> Finding:
    """Loads them in a process of its own: a broken library can crash its process."""
    done = host.run(sys.executable, "-c", _LOAD, *_NATIVE, seconds=_LOAD_SECONDS)
    lines = [line for line in done.out.split("\n") if line] if done is not None else []
    if done is not None and done.ok and lines[-1:] == ["all"]:
        return ok("load: " + ", ".join(_NATIVE))
    broken = next((line for line in reversed(lines) if line in _NATIVE), "python")
    why = lines[-1] if lines and lines[-1] != broken else "it crashes its process"
    opencv = "opencv-python-headless" if host.platform == LINUX else "opencv-python"
    return missing(
        f"{broken} does not load ({why}).",
        _pip("--force-reinstall", opencv if broken == "cv2" else broken),
    )


def _pip(*words: str) -> str:
    return shlex.join([sys.executable, "-m", "pip", "install", *words])


@check(Group.DISK, "models")
def models_room(host: HostProbe) -> Finding:
    return _room(host, models_folder(), 3 * _GB, "the largest model")


@check(Group.DISK, "cache")
def cache_room(host: HostProbe) -> Finding:
    return _room(host, cache_folder(), 2 * _GB, "a compiled model")


@check(Group.DISK, "log")
def log_room(host: HostProbe) -> Finding:
    service = host.settings.service
    needed = service.log_bytes * (service.log_count + 1)
    return _room(host, log_file(service.log_file).parent, needed, "the log")


def _room(host: HostProbe, folder: Path, needed: int, what_for: str) -> Finding:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = host.free_bytes(existing)
    fix = "sdcam models list shows the size of each model; sdcam models remove NAME deletes one"
    if free < _FULL:
        return trouble(f"The disk of {existing} is full ({in_words(free)} free).", fix)
    if free < needed:
        return warning(
            f"{in_words(free)} free in {existing}; {what_for} takes {in_words(needed)}.", fix
        )
    return ok(f"{in_words(free)} free in {existing}")
