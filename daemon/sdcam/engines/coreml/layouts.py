"""Ways to run a bundle, and which of them is the fastest on this Mac.

No table tells it: whether encoder and decoder are quick on the Neural Engine, and whether stages
that overlap gain more than the fused program saves, depends on the chip and on macOS. So each way
is tried once; what came of it lies beside the bundle's programs.
"""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final, cast

from sdcam.atomic_file import atomic_write
from sdcam.engines.coreml.system import System, find_system
from sdcam.engines.plan import LAYOUTS, EnginePlan, ModelSpec
from sdcam.errors import SdcamError, UsageError
from sdcam.models.bundle import Bundle, Layout
from sdcam.models.bundles import find_bundle

MEASURED: Final = "measured.json"

_AUTO = "auto"
_SYSCTL = ("/usr/sbin/sysctl", "-n", "hw.model")
_log = logging.getLogger("sdcam.model")


def coreml_plans(model: ModelSpec) -> tuple[Bundle, list[EnginePlan]]:
    """The ways that the user's words leave open, the most promising first.

    Raises:
        UsageError: no such layout or units.
        MissingError: no Mac, or no bundle that fits.
    """
    find_system()
    _, _, word = model.engine.partition(":")
    if word not in ("", _AUTO, *LAYOUTS):
        raise UsageError(
            f'The Core ML engine has no layout "{word}".',
            'Set model.engine to "coreml", "coreml:fused" or "coreml:staged".',
        )
    wanted = cast(Layout, word) if word in LAYOUTS else None
    bundle = find_bundle(model.name, model.size, wanted)
    layouts = [wanted] if wanted else [name for name in LAYOUTS if name in bundle.card.layouts]
    size = bundle.card.width, bundle.card.height
    return bundle, [
        EnginePlan(model.name, f"coreml:{layout}", size, LAYOUTS[layout], units)
        for layout in layouts
        for units in _units(layout, model.units)
    ]


def remembered(bundle: Bundle, plans: Sequence[EnginePlan]) -> EnginePlan | None:
    """The fastest of these plans, if all were measured here under this macOS."""
    try:
        known = json.loads((bundle.path / MEASURED).read_text(encoding="utf-8"))
        rates = known["fps"] if known["machine"] == _machine(find_system()) else {}
        return max(plans, key=lambda plan: float(rates[plan.label]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(bundle: Bundle, fps: Mapping[str, float]) -> None:
    """An unwritable folder costs the next start a measurement, nothing else.

    Args:
        fps: styled frames a second, by `EnginePlan.label`.
    """
    path = bundle.path / MEASURED
    known = {"machine": _machine(find_system()), "fps": dict(fps)}
    try:
        atomic_write(path, (json.dumps(known, indent=2) + "\n").encode())
    except SdcamError as error:
        _log.info("%s", error.what)


def _units(layout: str, wanted: Mapping[str, str]) -> list[dict[str, str]]:
    fixed = {name: units for name, units in wanted.items() if units != _AUTO}
    if layout == "fused" or {"encode", "decode"} <= fixed.keys():
        return [fixed]
    return [
        {**dict.fromkeys(("encode", "decode"), units), **fixed}
        for units in ("cpu-and-ne", "cpu-and-gpu")
    ]


def _machine(system: System) -> str:
    try:
        done = subprocess.run(_SYSCTL, capture_output=True, check=True, text=True, timeout=10)
        chip = done.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        chip = "Mac"
    return f"{chip}, {system.build}, coremltools {system.coremltools}"
