"""Core ML without a Mac: the same processes and the same code, up to coremltools' model class.

In its place stands one that computes a toy network, takes the time that was published for a Mac,
and holds Python's lock all the while, as Core ML does. For benchmarks, and for developers who have
no Mac.

    replay[:PROFILE[:fused|:staged]]        "replay", "replay:m4-max", "replay:m3-ultra:fused"
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

from sdcam.engines.coreml.binding import LoadedProgram
from sdcam.engines.coreml.networks import CoreMLFused, CoreMLNetworks, programs_of
from sdcam.engines.host_side import HostSide
from sdcam.engines.plan import LAYOUTS, EnginePlan, ModelSpec
from sdcam.engines.replay.stand_in import ReplayProgram
from sdcam.engines.replay.toy import ToyNetworks
from sdcam.errors import UsageError
from sdcam.models import ModelFolder, find_model
from sdcam.models.folder import USUAL_SIZE
from sdcam.pipeline.networks import FusedNetworks, Networks

DEFAULT_PROFILE: Final = "m3-ultra"
_STRENGTH = 0.5  # the toy network looks best at it
_FILE = Path(__file__).with_name("profiles.toml")

# Replaces a program of this name and profile by another one.
Wrap = Callable[[str, LoadedProgram], LoadedProgram]


@dataclass(frozen=True)
class Profile:
    """How long the programs of a frame take on a Mac that is not here, in milliseconds a call."""

    name: str
    about: str  # "Apple M3 Ultra, 60-core GPU, SDXS-512"
    encode: float
    unet: float
    decode: float
    estimate: bool  # else it was measured, by whom `source` says
    source: str
    latent_channels: int  # of the model that was timed
    embed_channels: int

    @property
    def fused(self) -> float:
        return self.encode + self.unet + self.decode

    def milliseconds(self, program: str) -> float:
        """Of a call; nothing is published for text encoders, which run once a prompt."""
        return 0.0 if program == "text_encoder" else float(getattr(self, program))


@dataclass(frozen=True)
class ReplaySpec:
    profile: Profile
    layout: str | None = None  # None: both are tried, "staged" first


@functools.cache
def profiles() -> dict[str, Profile]:
    """By name, in the order of the file."""
    import tomlkit

    tables = tomlkit.parse(_FILE.read_text(encoding="utf-8")).unwrap()
    return {name: Profile(name=name, **values) for name, values in tables.items()}


def parse_replay(words: str) -> ReplaySpec:
    """
    Args:
        words: PROFILE[:LAYOUT], after "replay:" or without it; "" is the default profile.

    Raises:
        UsageError: no such profile or layout.
    """
    name, layout, *more = [*words.removeprefix("replay").removeprefix(":").split(":"), "", ""]
    if any(more) or layout not in ("", *LAYOUTS):
        raise UsageError(
            f'The replay engine does not understand "{words}".',
            "Write replay:PROFILE, replay:PROFILE:staged or replay:PROFILE:fused.",
        )
    profile = profiles().get(name or DEFAULT_PROFILE)
    if profile is None:
        raise UsageError(
            f'There is no profile "{name}" to replay.', f"Choose one of: {', '.join(profiles())}."
        )
    return ReplaySpec(profile, layout or None)


def ways_to_run(model: ModelSpec) -> list[EnginePlan]:
    spec = parse_replay(model.engine)
    return [
        EnginePlan(model.name, f"replay:{spec.profile.name}:{layout}", model.size, LAYOUTS[layout])
        for layout in ([spec.layout] if spec.layout else LAYOUTS)
    ]


def open_plan(plan: EnginePlan, stages: tuple[str, ...]) -> Networks | FusedNetworks:
    spec = parse_replay(plan.engine)
    return open_replay(spec, find_model(plan.model), plan.size or USUAL_SIZE, stages)


def open_replay(
    spec: ReplaySpec,
    model: ModelFolder,
    size: tuple[int, int],
    stages: Sequence[str],
    wrap: Wrap = lambda name, program: program,
) -> Networks | FusedNetworks:
    """
    Args:
        model: gives tokenizer, scheduler and time embedding; its networks are not read.
        size: (width, height) in pixels. The published times are for 512x512 and do not change
            with it.
        stages: names of `STAGES` or `FUSED_STAGES`; with "fused" among them the result is a
            `FusedNetworks`.
        wrap: called with each program's name and stand-in; returns what runs in its place. Tests
            inject faults with it.
    """
    layout = "fused" if "fused" in stages else "staged"
    profile = spec.profile
    host = HostSide.of(model, size, f"replay {profile.name} {layout}")
    timed = replace(
        host.spec,
        latent_channels=profile.latent_channels,
        embed_channels=profile.embed_channels,
        least_prompt_distance=0.0,  # the toy network's words are random: it knows them all
    )
    host = replace(host, spec=timed)
    names = programs_of(stages)
    if not names:
        return CoreMLNetworks(host, {})
    toy = ToyNetworks(host.spec, host.schedule.single_level(_STRENGTH), host.embed_time.channels)
    programs = {
        name: wrap(name, ReplayProgram(name, toy, profile.milliseconds(name))) for name in names
    }
    return cast(
        "Networks | FusedNetworks",
        (CoreMLFused if layout == "fused" else CoreMLNetworks)(host, programs),
    )
