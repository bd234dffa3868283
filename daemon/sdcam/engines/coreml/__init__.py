"""The networks through Apple's Core ML: converted once, loaded as compiled programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from sdcam.engines.coreml.compiled import CompiledPrograms, cache_folder
from sdcam.engines.coreml.layouts import units_of, ways_to_run
from sdcam.engines.coreml.networks import CoreMLFused, CoreMLNetworks, programs_of
from sdcam.engines.coreml.system import System, find_system, import_coremltools
from sdcam.engines.host_side import HostSide
from sdcam.engines.plan import EnginePlan
from sdcam.errors import MissingError
from sdcam.models.bundle import Bundle, Layout
from sdcam.models.bundles import find_bundle
from sdcam.pipeline.networks import FusedNetworks, Networks

__all__ = ["open_coreml", "open_plan", "ways_to_run"]


def open_plan(plan: EnginePlan, stages: tuple[str, ...]) -> Networks | FusedNetworks:
    layout = cast(Layout, plan.engine.partition(":")[2])
    return open_coreml(find_bundle(plan.model, plan.size, layout), stages, plan.units)


def open_coreml(
    bundle: Bundle, stages: Sequence[str], units: Mapping[str, str] | None = None
) -> Networks | FusedNetworks:
    """Loads what the stages need, and runs it once. The first time on a machine takes minutes for
    a large model: Core ML compiles it for this very Mac.

    Args:
        stages: names of `STAGES` or `FUSED_STAGES`; with "fused" among them the result is a
            `FusedNetworks`.
        units: compute units by program ("unet": "cpu-and-gpu"); see `layouts.units_of`.

    Raises:
        UsageError: no such compute units.
        MissingError: no Mac, a macOS that is too old for Core ML or for the bundle, or coremltools
            is not installed. Whether the bundle has the layout, `find_bundle` has checked.
        SdcamError: Core ML cannot load a program, or the program has other inputs or outputs.
    """
    programs = programs_of(stages)
    chosen = {name: units_of(name, units) for name in programs}
    system = find_system()
    _refuse_newer(bundle, system)
    card = bundle.card
    host = HostSide.of_bundle(bundle, f"coreml {system.coremltools} {card.precision}")
    if not programs:
        return CoreMLNetworks(host, {})
    compiled = CompiledPrograms(bundle, system, import_coremltools(), cache_folder())
    if card.unet_chunks > 1 and "unet" in chosen:
        whole = chosen.pop("unet")
        chosen |= {f"unet_{number}": whole for number in range(1, card.unet_chunks + 1)}
    described = {name: compiled.describe(name) for name in chosen}
    loaded = {name: compiled.load(name, word) for name, word in chosen.items()}
    if "fused" in stages:
        return CoreMLFused(host, loaded, described)
    return CoreMLNetworks(host, loaded, described)


def _refuse_newer(bundle: Bundle, system: System) -> None:
    needed = bundle.card.target.removeprefix("macOS")
    if needed.isdigit() and system.macos < (int(needed),):
        raise MissingError(
            f"The bundle {bundle.path} is made for macOS {needed}, and this is "
            f"{'.'.join(map(str, system.macos))}.",
            f"Run: sdcam models convert {bundle.card.model} --to coreml --target macOS14",
        )
