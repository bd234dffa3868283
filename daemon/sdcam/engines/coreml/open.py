"""From a bundle to the programs that a process needs, loaded and warm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sdcam.engines.coreml.compiled import CompiledPrograms, cache_folder
from sdcam.engines.coreml.networks import Chunk, CoreMLFused, CoreMLNetworks
from sdcam.engines.coreml.system import System, find_system, import_coremltools
from sdcam.engines.coreml.units import units_of
from sdcam.engines.host_side import HostSide
from sdcam.errors import MissingError, SdcamError
from sdcam.models.bundle import Bundle, Layout
from sdcam.pipeline.networks import FusedNetworks, Networks

# The programs behind the stages of `sdcam.pipeline.stages`; the others need none.
PROGRAMS: Final[Mapping[str, tuple[str, ...]]] = {
    "encode": ("encode",),
    "denoise": ("unet", "text_encoder"),
    "decode": ("decode",),
    "fused": ("fused", "text_encoder"),
}


def programs_of(stages: Sequence[str]) -> tuple[str, ...]:
    return tuple(program for stage in stages for program in PROGRAMS.get(stage, ()))


def open_coreml(
    bundle: Bundle, stages: Sequence[str], units: Mapping[str, str] | None = None
) -> Networks | FusedNetworks:
    """Loads what the stages need, and runs it once. The first time on a machine takes minutes for
    a large model: Core ML compiles it for this very Mac.

    Args:
        stages: names of `STAGES` or `FUSED_STAGES`; with "fused" among them it is a
            `FusedNetworks`.
        units: compute units by program ("unet": "cpu-and-gpu"); see `sdcam.engines.coreml.units`.

    Raises:
        UsageError: no such compute units.
        MissingError: no Mac, a macOS that is too old for Core ML or for the bundle, coremltools is
            not installed, or the bundle has another layout.
        SdcamError: Core ML cannot load a program.
    """
    programs = programs_of(stages)
    chosen = {name: units_of(name, units) for name in programs}
    system = find_system()
    _refuse_newer(bundle, system)
    _refuse_other_layout(bundle, "fused" if "fused" in stages else "staged", programs)
    card = bundle.card
    host = HostSide.of_bundle(bundle, f"coreml {system.coremltools} {card.precision}")
    if not programs:
        return CoreMLNetworks(host, {})
    coremltools = import_coremltools()
    compiled = CompiledPrograms(bundle, system, coremltools, cache_folder())
    chunks: tuple[Chunk, ...] = ()
    if "unet" in programs and card.unet_chunks > 1:
        names = [f"unet_{number}" for number in range(1, card.unet_chunks + 1)]
        loaded = [compiled.load(name, chosen["unet"]) for name in names]
        chunks = tuple(
            _chunk(coremltools, bundle, name, program)
            for name, program in zip(names, loaded, strict=True)
        )
        programs = tuple(name for name in programs if name != "unet")
    loaded_programs = {name: compiled.load(name, chosen[name]) for name in programs}
    if "fused" in stages:
        return CoreMLFused(host, loaded_programs)
    return CoreMLNetworks(host, loaded_programs, chunks)


def _chunk(coremltools: Any, bundle: Bundle, name: str, program: Any) -> Chunk:
    """A compiled program does not tell its host, its package does."""
    try:
        described = coremltools.utils.load_spec(str(bundle.program(name))).description
        outputs = {
            each.name: tuple(int(n) for n in each.type.multiArrayType.shape)
            for each in described.output
        }
    except Exception as fault:  # protobuf's own errors are of no common kind
        raise SdcamError(
            f"The program {name} of {bundle.path} cannot be read ({fault}).",
            f"Convert it again: sdcam models convert {bundle.card.model}.",
        ) from fault
    return Chunk(program, tuple(each.name for each in described.input), outputs)


def _refuse_newer(bundle: Bundle, system: System) -> None:
    needed = bundle.card.target.removeprefix("macOS")
    if needed.isdigit() and system.macos < (int(needed),):
        raise MissingError(
            f"The bundle {bundle.path} is made for macOS {needed}, and this is "
            f"{'.'.join(map(str, system.macos))}.",
            f"Run: sdcam models convert {bundle.card.model} --to coreml --target macOS14",
        )


def _refuse_other_layout(bundle: Bundle, layout: Layout, programs: Sequence[str]) -> None:
    card = bundle.card
    if programs and layout not in card.layouts:
        raise MissingError(
            f"The bundle {bundle.path} has the layout {' and '.join(card.layouts)}, not {layout}.",
            f"Run: sdcam models convert {card.model} --to coreml --layout all "
            f"--size {card.width}x{card.height}",
        )
    if layout == "fused" and card.stateful:
        raise MissingError(
            f"The bundle {bundle.path} keeps the previous latent itself, which the service cannot "
            "take back after a gap.",
            f"Convert it again without --stateful: sdcam models convert {card.model}.",
        )
