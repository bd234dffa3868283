"""Which processors a program may run on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sdcam.errors import UsageError

# coremltools' names of them, by the words of the settings.
UNITS: Final = {
    "all": "ALL",
    "cpu-and-gpu": "CPU_AND_GPU",
    "cpu-and-ne": "CPU_AND_NE",
    "cpu-only": "CPU_ONLY",
}
_AUTO = "auto"

# SD-Turbo's UNet on an M3 Ultra: 53 ms with the GPU, 64 with all, 329 with the Neural Engine
# (arXiv 2605.16259). Encoder and decoder stay out of the GPU's way, which then is the UNet's alone.
USUAL: Final[Mapping[str, str]] = {
    "fused": "cpu-and-gpu",
    "encode": "cpu-and-ne",
    "unet": "cpu-and-gpu",
    "decode": "cpu-and-ne",
    "text_encoder": "cpu-and-gpu",
}


def units_of(program: str, wanted: Mapping[str, str] | None) -> str:
    """coremltools' name of the units for a program.

    Args:
        wanted: words by program; what is not there, or "auto", is as in `USUAL`.

    Raises:
        UsageError: no such program, or no such word.
    """
    for name, word in (wanted or {}).items():
        if name not in USUAL:
            raise UsageError(
                f'There is no program "{name}" to choose compute units for.',
                f"Take one of: {', '.join(USUAL)}.",
            )
        if word not in (_AUTO, *UNITS):
            raise UsageError(
                f'There are no compute units "{word}" for the program {name}.',
                f"Take one of: {', '.join((_AUTO, *UNITS))}.",
            )
    word = (wanted or {}).get(program, _AUTO)
    return UNITS[USUAL[program] if word == _AUTO else word]
