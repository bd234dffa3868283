"""Python packages: all there, of versions that go together, and able to load."""

from __future__ import annotations

import sys
from pathlib import Path

from sdcam.doctor.check import Check, Finding, Group, missing, ok, trouble, warning
from sdcam.doctor.world import World

_LOAD_SECONDS = 90.0
_NATIVE = ("numpy", "cv2", "openvino", "pyvirtualcam", "tokenizers")
_NUMPY_LINK = "https://github.com/apple/coremltools/issues/2633"
# Each load is announced, so that it is known which one took the process down.
_LOAD = """
import importlib, sys
for name in sys.argv[1:]:
    print(name, flush=True)
    try:
        importlib.import_module(name)
    except Exception as error:
        print(f"{type(error).__name__}: {error}".splitlines()[0], flush=True)
        sys.exit(1)
print("all")
"""


def _pip(*words: str) -> str:
    return f"{Path(sys.executable)} -m pip install " + " ".join(f'"{word}"' for word in words)


def _versions(world: World) -> Finding:
    from packaging.requirements import Requirement

    wrong = []
    for text in world.requirements():
        wanted = Requirement(text)
        where = {"extra": "", "sys_platform": world.platform}
        if wanted.marker is not None and not wanted.marker.evaluate(where):
            continue
        found = world.version(wanted.name)
        if found is None or not wanted.specifier.contains(found, prereleases=True):
            wrong.append((wanted.name, found, str(wanted.specifier)))
    if not wrong:
        return _two_of_opencv(world)
    said = "; ".join(
        f"{name} {found} is none of {specifier}" if found else f"{name} is not installed"
        for name, found, specifier in wrong
    )
    of_numpy = any(name == "numpy" for name, _, _ in wrong)
    kind = trouble if all(found for _, found, _ in wrong) else missing
    return kind(
        f"{said}.",
        _pip(*(name + specifier for name, _, specifier in wrong)),
        link=_NUMPY_LINK if of_numpy else "",
    )


def _two_of_opencv(world: World) -> Finding:
    """Both put their files into the same folder: what works is a matter of luck."""
    both = [name for name in ("opencv-python", "opencv-python-headless") if world.version(name)]
    if len(both) == 2:
        return warning(
            "opencv-python and opencv-python-headless are both installed, into the same folder.",
            f"{sys.executable} -m pip uninstall -y {' '.join(both)}, then: "
            + _pip(both[0 if world.platform == "darwin" else 1]),
        )
    names = ("numpy", "openvino", "coremltools")
    told = [f"{name} {version}" for name in names if (version := world.version(name))]
    return ok("go together: " + ", ".join(told))


def _loading(world: World) -> Finding:
    """In a process of its own: a broken library can take its process down."""
    told = world.run(sys.executable, "-c", _LOAD, *_NATIVE, seconds=_LOAD_SECONDS)
    said = told.out.split("\n") if told is not None else []
    lines = [line for line in said if line]
    if told is not None and told.ok and lines[-1:] == ["all"]:
        return ok("load: " + ", ".join(_NATIVE))
    loaded = [line for line in lines if line in _NATIVE]
    broken = loaded[-1] if loaded else "python"
    why = lines[-1] if lines and lines[-1] != broken else "it takes its process down"
    package = {"cv2": "opencv-python-headless" if world.platform == "linux" else "opencv-python"}
    return missing(
        f"{broken} does not load ({why}).",
        _pip(package.get(broken, broken)).replace("install", "install --force-reinstall"),
    )


CHECKS = (
    Check(Group.MACHINE, "packages", _versions),
    Check(Group.MACHINE, "libraries", _loading),
)
