"""The ways to run a bundle (layout and compute units), and which of them is fastest on this Mac.

That depends on the chip and on macOS: whether encoder and decoder are quick on the Neural Engine,
and whether overlapping stages gain more than the fused program saves. So each way is measured once;
the results lie beside the bundle's programs.
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

# coremltools' names of the compute units, by the words of the settings.
UNITS: Final = {
    "all": "ALL",
    "cpu-and-gpu": "CPU_AND_GPU",
    "cpu-and-ne": "CPU_AND_NE",
    "cpu-only": "CPU_ONLY",
}
# SD-Turbo's UNet on an M3 Ultra: 53 ms with the GPU, 64 with all, 329 with the Neural Engine
# (arXiv 2605.16259). Encoder and decoder leave the GPU to the UNet.
DEFAULT_UNITS: Final[Mapping[str, str]] = {
    "fused": "cpu-and-gpu",
    "encode": "cpu-and-ne",
    "unet": "cpu-and-gpu",
    "decode": "cpu-and-ne",
    "text_encoder": "cpu-and-gpu",
}

_AUTO = "auto"
_SYSCTL = ("/usr/sbin/sysctl", "-n", "hw.model")
_log = logging.getLogger("sdcam.model")


def ways_to_run(model: ModelSpec) -> list[EnginePlan]:
    """Every plan that the user's words leave open, the most promising first.

    Raises:
        UsageError: no such layout or units.
        MissingError: no Mac, or no bundle that fits.
    """
    bundle, wanted = bundle_of(model), _layout(model)
    layouts = [wanted] if wanted else [name for name in LAYOUTS if name in bundle.card.layouts]
    size = bundle.card.width, bundle.card.height
    return [
        EnginePlan(model.name, f"coreml:{layout}", size, LAYOUTS[layout], units)
        for layout in layouts
        for units in _units(layout, model.units)
    ]


def bundle_of(model: ModelSpec) -> Bundle:
    """The bundle that runs it. Raises as `ways_to_run`."""
    find_system()
    return find_bundle(model.name, model.size, _layout(model))


def remembered(bundle: Bundle, plans: Sequence[EnginePlan]) -> EnginePlan | None:
    """The fastest of these plans, if all were measured on this Mac under this macOS."""
    try:
        known = json.loads((bundle.path / MEASURED).read_text(encoding="utf-8"))
        rates = known["fps"] if known["machine"] == _machine(find_system()) else {}
        return max(plans, key=lambda plan: float(rates[plan.label]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(bundle: Bundle, fps: Mapping[str, float]) -> None:
    """Writes the measurement. If the folder is not writable, the next start measures again.

    Args:
        fps: styled frames a second, by `EnginePlan.label`.
    """
    path = bundle.path / MEASURED
    known = {"machine": _machine(find_system()), "fps": dict(fps)}
    try:
        atomic_write(path, (json.dumps(known, indent=2) + "\n").encode())
    except SdcamError as error:
        _log.info("%s", error.what)


def units_of(program: str, wanted: Mapping[str, str] | None) -> str:
    """coremltools' name of the compute units for a program.

    Args:
        wanted: words of the settings by program; `DEFAULT_UNITS` holds for those that are missing
            or "auto".

    Raises:
        UsageError: no such program, or no such word.
    """
    for name, word in (wanted or {}).items():
        if name not in DEFAULT_UNITS:
            raise UsageError(
                f'There is no program "{name}" to choose compute units for.',
                f"Choose one of: {', '.join(DEFAULT_UNITS)}.",
            )
        if word not in (_AUTO, *UNITS):
            raise UsageError(
                f'There are no compute units "{word}" for the program {name}.',
                f"Choose one of: {', '.join((_AUTO, *UNITS))}.",
            )
    word = (wanted or {}).get(program, _AUTO)
    return UNITS[DEFAULT_UNITS[program] if word == _AUTO else word]


def _layout(model: ModelSpec) -> Layout | None:
    """None: any."""
    word = model.engine.partition(":")[2]
    if word not in ("", _AUTO, *LAYOUTS):
        raise UsageError(
            f'The Core ML engine has no layout "{word}".',
            'Set model.engine to "coreml", "coreml:fused" or "coreml:staged".',
        )
    return cast(Layout, word) if word in LAYOUTS else None


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
