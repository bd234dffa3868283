"""What runs the model: chosen as the service chooses it, and installed."""

from __future__ import annotations

import sys

from sdcam.doctor.check import (
    MACOS,
    Check,
    Finding,
    Group,
    missing,
    of_error,
    ok,
    trouble,
    warning,
)
from sdcam.doctor.world import World
from sdcam.engines.choice import ways_to_run
from sdcam.engines.plan import EnginePlan, ModelSpec
from sdcam.errors import SdcamError
from sdcam.models import ModelFolder, find_model
from sdcam.models.registry import EMBEDDED

_PACKAGES = {"openvino": "openvino", "torch": "torch", "replay": "numpy"}


def _engine(world: World) -> Finding:
    try:
        plan = ways_to_run(ModelSpec.of(world.settings))[0]
        kind = plan.engine.partition(":")[0].split(" ")[0]
        if kind == "coreml":
            return _coreml(plan)
        model = find_model(world.settings.model.name)
    except SdcamError as error:
        return of_error(error)
    return _automatic(world, model) if kind == "auto" else _named(world, kind, model, plan)


def _coreml(plan: EnginePlan) -> Finding:
    from sdcam.engines.coreml.system import find_system

    return ok(f"{plan.label}, coremltools {find_system().coremltools}")


def _named(world: World, kind: str, model: ModelFolder, plan: EnginePlan) -> Finding:
    package = _PACKAGES.get(kind)
    if package is None:
        return trouble(
            f'There is no engine "{plan.engine}".',
            'sdcam config edit: model.engine is "auto", "coreml", "openvino" or "torch"',
        )
    if world.version(package) is None:
        return _not_installed(package)
    if kind == "openvino" and not model.has_graphs:
        return missing(f"The model {model.name} has no graphs for the CPU.", _convert(model))
    return ok(f"{plan.label}, {package} {world.version(package)}")


def _automatic(world: World, model: ModelFolder) -> Finding:
    if model.has_graphs and world.version("openvino") is None:
        return _not_installed("openvino")
    if not model.has_graphs and world.version("torch") is None:
        return missing(
            f"The model {model.name} has no graphs for the CPU, and torch is not installed.",
            _convert(model),
            "or: " + _install("torch"),
        )
    if world.platform == MACOS and model.name != EMBEDDED:
        return warning(
            f"The model {model.name} is not converted for Core ML, the fastest way on a Mac.",
            f"sdcam models convert {model.name} --to coreml --layout all",
        )
    package = "openvino" if model.has_graphs else "torch"
    return ok(f"auto: {package} {world.version(package)} is here")


def _not_installed(package: str) -> Finding:
    return missing(f"The engine {package} is not installed.", _install(package))


def _install(package: str) -> str:
    what = '"streamdiffusion-cam[torch]"' if package == "torch" else package
    return f"{sys.executable} -m pip install {what}"


def _convert(model: ModelFolder) -> str:
    return f"sdcam models convert {model.name} --to cpu"


CHECKS = (Check(Group.MODEL, "engine", _engine),)
