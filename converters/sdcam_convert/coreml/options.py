"""What can be chosen about a conversion to Core ML, and what is refused."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Literal, get_args

from sdcam.errors import UsageError
from sdcam.models.bundle import Layout

Attention = Literal["sdpa", "split-einsum"]
Precision = Literal["fp16", "fp32"]
Target = Literal["macOS14", "macOS15"]
LayoutChoice = Literal["fused", "staged", "all"]

SMALLEST, LARGEST, STEP = 320, 768, 64  # pixels of a side
PALETTE_BITS = (2, 4, 6, 8)
CHUNKS = (1, 2, 4)  # halves, and halves of halves
MIXED_BITS = 4.5  # an average weight's, where "mixed" is asked for without a number

_USUAL = ("sdpa", "fp16", "macOS14")  # in no bundle's name
_COMPRESSIONS = ("none", "int8", *(f"palette-{bits}" for bits in PALETTE_BITS), "mixed")


@dataclass(frozen=True)
class CoreMLOptions:
    """
    Raises:
        UsageError: a value that is none of those below, or values that exclude each other.
    """

    layout: LayoutChoice = "fused"
    width: int = 512  # pixels
    height: int = 512
    attention: Attention = "sdpa"
    precision: Precision = "fp16"  # inside the programs; inputs and outputs are fp32
    compress: str = "none"  # int8, palette-8, -6, -4, -2, mixed, mixed-BITS
    target: Target = "macOS14"  # the oldest system that can load it
    stateful: bool = False  # the fused program keeps the previous latent (experimental)
    chunks: int = 1  # programs that the staged UNet is cut into

    def __post_init__(self) -> None:
        _refuse_size(self.width, self.height)
        _refuse_unknown("--layout", self.layout, get_args(LayoutChoice))
        _refuse_unknown("--attention", self.attention, get_args(Attention))
        _refuse_unknown("--precision", self.precision, get_args(Precision))
        _refuse_unknown("--target", self.target, get_args(Target))
        _refuse_unknown("--chunks", self.chunks, CHUNKS)
        if not self.compress.startswith("mixed-"):
            _refuse_unknown("--compress", self.compress, _COMPRESSIONS)
        elif not PALETTE_BITS[0] <= self.mixed_bits <= PALETTE_BITS[-1]:
            raise UsageError(
                f"--compress {self.compress} is not possible.",
                "Give the bits of an average weight, from 2 to 8: mixed-4.5.",
            )
        if self.stateful and (self.layout == "staged" or self.target == "macOS14"):
            raise UsageError(
                "A stateful program needs the fused layout and macOS 15.",
                "Add --layout fused --target macOS15, or leave out --stateful.",
            )
        if self.chunks > 1 and self.layout == "fused":
            raise UsageError(
                "Only the staged layout's UNet can be cut into chunks.",
                "Add --layout staged, or leave out --chunks.",
            )

    @property
    def name(self) -> str:
        """What a bundle is called: its size, its layout and whatever is unusual about it."""
        words = [f"{self.width}x{self.height}", self.layout]
        for field in (self.attention, self.precision, self.target):
            words += [field] if field not in _USUAL else []
        words += [self.compression] if self.compression else []
        words += ["stateful"] if self.stateful else []
        words += [f"{self.chunks}chunks"] if self.chunks > 1 else []
        return "-".join(words)

    @property
    def layouts(self) -> tuple[Layout, ...]:
        return ("fused", "staged") if self.layout == "all" else (self.layout,)

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs to be made, by the names they have in a bundle before chunking."""
        fused = ("fused",) if "fused" in self.layouts else ()
        staged = ("encode", "unet", "decode") if "staged" in self.layouts else ()
        return (*fused, *staged, "text_encoder")

    @property
    def compression(self) -> str:
        """As `bundle.json` has it: "" for none, and always with the number of bits."""
        if self.compress == "none":
            return ""
        return f"mixed-{self.mixed_bits:g}" if self.compress == "mixed" else self.compress

    @property
    def mixed_bits(self) -> float:
        """Bits of an average weight; NaN where the text is no number."""
        try:
            return float(self.compress.removeprefix("mixed-"))
        except ValueError:
            return MIXED_BITS if self.compress == "mixed" else float("nan")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The conversion's own options; `options_from` reads them."""
    default = CoreMLOptions()
    group = parser.add_argument_group("Core ML")
    group.add_argument(
        "--layout",
        choices=get_args(LayoutChoice),
        default=default.layout,
        help="one program for the whole frame, one for each stage, or both (default: fused)",
    )
    group.add_argument(
        "--size",
        default="512",
        metavar="SIZE",
        help="of the picture: 512, or 768x448; 320 to 768 in steps of 64 (default: 512)",
    )
    group.add_argument(
        "--attention",
        choices=get_args(Attention),
        default=default.attention,
        help="sdpa suits the GPU, split-einsum the Neural Engine (default: sdpa)",
    )
    group.add_argument(
        "--precision",
        choices=get_args(Precision),
        default=default.precision,
        help="of the arithmetic inside; inputs and outputs are always fp32 (default: fp16)",
    )
    group.add_argument(
        "--compress",
        default=default.compress,
        metavar="HOW",
        help="none, int8, palette-8, palette-6, palette-4, palette-2, mixed or mixed-BITS: saves "
        "disk and no time (default: none)",
    )
    group.add_argument(
        "--target",
        choices=get_args(Target),
        default=default.target,
        help="the oldest macOS that shall load it (default: macOS14)",
    )
    group.add_argument(
        "--stateful",
        action="store_true",
        help="experimental: the fused program keeps the previous latent itself (macOS15)",
    )
    group.add_argument(
        "--chunks",
        type=int,
        choices=CHUNKS,
        default=default.chunks,
        help="cut the staged UNet into this many programs, for machines of little memory",
    )


def options_from(arguments: argparse.Namespace) -> CoreMLOptions:
    """
    Raises:
        UsageError: what was given cannot be.
    """
    width, height = _size(arguments.size)
    return CoreMLOptions(
        layout=arguments.layout,
        width=width,
        height=height,
        attention=arguments.attention,
        precision=arguments.precision,
        compress=arguments.compress,
        target=arguments.target,
        stateful=arguments.stateful,
        chunks=arguments.chunks,
    )


def _size(text: str) -> tuple[int, int]:
    """(width, height) of "512" or "768x448"."""
    width, cross, height = str(text).lower().partition("x")
    try:
        return int(width), int(height if cross else width)
    except ValueError:
        raise UsageError(f'"{text}" is no size.', "Write 512, or 768x448.") from None


def _refuse_size(width: int, height: int) -> None:
    for side in (width, height):
        if not SMALLEST <= side <= LARGEST or side % STEP:
            raise UsageError(
                f"A model of {width}x{height} pixels cannot be made: {side} is not one of "
                f"{SMALLEST}, {SMALLEST + STEP}, ... {LARGEST}.",
                f"Give sides that are multiples of {STEP}, such as --size 512 or --size 768x448.",
            )


def _refuse_unknown(option: str, value: object, known: tuple[object, ...]) -> None:
    if value not in known:
        raise UsageError(
            f"{option} {value} is unknown.", f"Give one of: {', '.join(map(str, known))}."
        )
