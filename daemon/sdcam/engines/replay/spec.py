"""The words of the replay engine.

replay[:PROFILE[:fused|:staged]] [FAULT ...]

replay:m3-ultra
replay:m3-ultra:fused crash=fused@60
replay:m4-max:staged hang=decode@90 slow=encode@30x5 garbage=unet@10
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, cast

from sdcam.engines.replay.profile import Profile, profiles
from sdcam.errors import UsageError
from sdcam.models.bundle import Layout

Kind = Literal["crash", "hang", "slow", "garbage"]

USUAL: Final = "m3-ultra"

_PROGRAMS: Final[dict[Layout, tuple[str, ...]]] = {
    "staged": ("encode", "unet", "decode"),
    "fused": ("fused",),
}
_FAULT = re.compile(r"(crash|hang|slow|garbage)=(\w+)@([1-9]\d*)(?:x(\d+(?:\.\d+)?))?")


@dataclass(frozen=True)
class Fault:
    """What a program does wrong.

    Attributes:
        kind: "crash" ends the process with SIGSEGV, "hang" never returns, "garbage" gives values
            that are no numbers, "slow" takes `factor` times as long.
        program: "encode", "unet", "decode", "fused".
        at: the call that goes wrong, counted from 1 in each process; the first is the warm-up.
            "slow" lasts from then on.
    """

    kind: Kind
    program: str
    at: int
    factor: float = 1.0


@dataclass(frozen=True)
class ReplaySpec:
    profile: Profile
    layout: Layout | None = None  # None is "staged"
    faults: tuple[Fault, ...] = ()

    def faults_of(self, program: str) -> tuple[Fault, ...]:
        return tuple(fault for fault in self.faults if fault.program == program)


def parse_replay(words: str) -> ReplaySpec:
    """
    Args:
        words: as above; "replay" itself may be left out.

    Raises:
        UsageError: no such profile, layout, program or fault.
    """
    first, *rest = words.split() or [USUAL]
    parts = first.split(":")
    if parts[0] == "replay":
        parts = parts[1:]
    name, layout, *more = [*parts, "", ""]
    if any(more) or layout not in ("", *_PROGRAMS):
        raise UsageError(
            f'"{first}" is no way to replay.',
            "Write replay:PROFILE, replay:PROFILE:staged or replay:PROFILE:fused.",
        )
    profile = profiles().get(name or USUAL)
    if profile is None:
        raise UsageError(
            f'There is no profile "{name}" to replay.', f"Take one of: {', '.join(profiles())}."
        )
    runs = cast(Layout, layout or "staged")
    faults = tuple(_fault(word, runs) for word in rest)
    return ReplaySpec(profile, runs if layout else None, faults)


def _fault(word: str, layout: Layout) -> Fault:
    match = _FAULT.fullmatch(word)
    if match is None or (match[1] == "slow") != (match[4] is not None):
        raise UsageError(
            f'"{word}" is no fault to replay.',
            "Write crash=PROGRAM@N, hang=PROGRAM@N, garbage=PROGRAM@N or slow=PROGRAM@NxFACTOR, "
            "for example slow=encode@30x5.",
        )
    if match[2] not in _PROGRAMS[layout]:
        raise UsageError(
            f'The layout {layout} has no program "{match[2]}" for {match[1]}=.',
            f"Take one of: {', '.join(_PROGRAMS[layout])}.",
        )
    return Fault(cast(Kind, match[1]), match[2], int(match[3]), float(match[4] or 1))
