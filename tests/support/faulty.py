"""`sdcam` with an engine that fails on request: the replay engine, with faults.

    faulty[:PROFILE[:fused|:staged]] [FAULT ...]

    faulty:m3-ultra:fused crash=fused@60
    faulty:m4-max hang=decode@90 slow=encode@30x5 garbage=unet@10

Run this file in place of `sdcam`, with the same words: `python tests/support/faulty.py run --engine
"faulty:m3-ultra crash=encode@40"`. A process that is spawned imports its parent's main module, so
the engine is registered in the processes of the model too.
"""

from __future__ import annotations

import os
import re
import signal
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from sdcam.engines.plan import LAYOUTS, EnginePlan, ModelSpec, register_engine
from sdcam.engines.replay import ReplaySpec, open_replay, parse_replay
from sdcam.engines.replay.stand_in import wait_with_lock
from sdcam.errors import UsageError
from sdcam.models import find_model

_FAULT = re.compile(
    r"(crash|hang|slow|garbage)=(encode|unet|decode|fused)@([1-9]\d*)(?:x(\d+(?:\.\d+)?))?"
)


@dataclass(frozen=True)
class Fault:
    """What a program does wrong.

    Attributes:
        kind: "crash" ends the process with SIGSEGV; "hang" never returns, and no other thread of
            the process runs; "garbage" returns NaN and black pictures; "slow" takes `factor` times
            as long from then on.
        program: "encode", "unet", "decode", "fused".
        at: the call that goes wrong, counted from 1 in each process; the first is the warm-up.
    """

    kind: str
    program: str
    at: int
    factor: float = 1.0


class FaultyProgram:
    """
    Args:
        program: does the work.
        milliseconds: what its call takes.
        faults: of this program.
    """

    def __init__(self, program: Any, milliseconds: float, faults: list[Fault]) -> None:
        self._program = program
        self._milliseconds = milliseconds
        self._faults = faults
        self._calls = 0

    def predict(self, data: dict[str, Any]) -> dict[str, Any]:
        self._calls += 1
        if self._due("crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        while self._due("hang"):
            wait_with_lock(0.5)
        results = self._program.predict(data)
        if self._due("garbage"):
            results = {key: _garbage(value) for key, value in results.items()}
        slow = [f.factor for f in self._faults if f.kind == "slow" and self._calls >= f.at]
        wait_with_lock((max(slow, default=1.0) - 1.0) * self._milliseconds / 1e3)
        return results

    def _due(self, kind: str) -> bool:
        return any(fault.kind == kind and fault.at == self._calls for fault in self._faults)


def parse_faulty(words: str) -> tuple[ReplaySpec, list[Fault]]:
    """
    Raises:
        UsageError: no such profile, layout or fault.
    """
    first, *rest = words.split()
    spec = parse_replay(first.removeprefix("faulty").removeprefix(":"))
    programs = ("fused",) if spec.layout == "fused" else ("encode", "unet", "decode")
    faults = []
    for word in rest:
        match = _FAULT.fullmatch(word)
        if not match or match[2] not in programs or (match[1] == "slow") != (match[4] is not None):
            raise UsageError(f'"{word}" is no fault of {", ".join(programs)}.')
        faults.append(Fault(match[1], match[2], int(match[3]), float(match[4] or 1)))
    return spec, faults


def open_faulty(words: str, model: Any, size: tuple[int, int], stages: tuple[str, ...]) -> Any:
    """As `open_replay`."""
    spec, faults = parse_faulty(words)

    def wrap(name: str, program: Any) -> FaultyProgram:
        mine = [fault for fault in faults if fault.program == name]
        return FaultyProgram(program, spec.profile.milliseconds(name), mine)

    return open_replay(spec, model, size, stages, wrap)


def ways_to_run(model: ModelSpec) -> list[EnginePlan]:
    spec, _ = parse_faulty(model.engine)
    return [EnginePlan(model.name, model.engine, model.size, LAYOUTS[spec.layout or "staged"])]


def open_plan(plan: EnginePlan, stages: tuple[str, ...]) -> Any:
    return open_faulty(plan.engine, find_model(plan.model), plan.size or (512, 512), stages)


def _garbage(value: Any) -> Any:
    if isinstance(value, Image.Image):
        return Image.new(value.mode, value.size)
    return np.full_like(value, np.nan)


register_engine("faulty", __name__)

if __name__ == "__main__":
    from sdcam.cli import main

    raise SystemExit(main())
