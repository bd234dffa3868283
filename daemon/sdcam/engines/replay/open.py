"""Core ML's engine on the stand-in's programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sdcam.engines.coreml.networks import CoreMLFused, CoreMLNetworks
from sdcam.engines.coreml.open import programs_of
from sdcam.engines.host_side import HostSide
from sdcam.engines.replay.spec import ReplaySpec
from sdcam.engines.replay.stand_in import ReplayProgram
from sdcam.engines.replay.toy import ToyNetworks
from sdcam.models import ModelFolder
from sdcam.pipeline.networks import FusedNetworks, Networks

_USUAL_STRENGTH = 0.5


def open_replay(
    spec: ReplaySpec, model: ModelFolder, size: tuple[int, int], stages: Sequence[str]
) -> Networks | FusedNetworks:
    """
    Args:
        model: gives tokenizer, scheduler and time embedding; its networks are not read.
        size: (width, height) in pixels; the published times are of 512x512 and stay what they are.
        stages: names of `STAGES` or `FUSED_STAGES`; with "fused" among them it is a
            `FusedNetworks`.
    """
    layout = "fused" if "fused" in stages else spec.layout or "staged"
    profile = spec.profile
    host = HostSide.of(model, size, f"replay {profile.name} {layout}")
    timed = replace(
        host.spec,
        latent_channels=profile.latent_channels,
        embed_channels=profile.embed_channels,
        least_prompt_distance=0.0,  # its words are made up, and it knows them all
    )
    host = replace(host, spec=timed)
    names = programs_of(stages)
    if not names:
        return CoreMLNetworks(host, {})
    usual = host.schedule.single_level(_USUAL_STRENGTH)
    tiny = ToyNetworks(host.spec, usual, host.embed_time.channels)
    programs = {
        name: ReplayProgram(name, tiny, profile.milliseconds(name), spec.faults_of(name))
        for name in names
    }
    return CoreMLFused(host, programs) if "fused" in stages else CoreMLNetworks(host, programs)
