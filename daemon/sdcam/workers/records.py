"""The small records that cross the pipes; pixels stay behind in shared memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from sdcam.capture.source import SourceInfo
from sdcam.pipeline.networks import NetworksSpec


@dataclass(frozen=True)
class Opened:
    """From the capture process: the source is open."""

    info: SourceInfo


@dataclass(frozen=True)
class CameraFrame:
    """From the capture process: a slot of camera memory holds this BGR frame."""

    slot: int
    sequence: int
    captured_ns: int  # time.monotonic_ns()
    width: int
    height: int
    unread: int = 0  # frames that the camera gave while no slot was free, so far


@dataclass(frozen=True)
class SourceEnded:
    """From the capture process: a file that plays once is over."""


@dataclass(frozen=True)
class Ready:
    """From the model process: loaded and warm."""

    spec: NetworksSpec


@dataclass(frozen=True)
class PaintRequest:
    """To the model process: paint this camera frame into that slot of styled memory."""

    frame: CameraFrame
    styled_slot: int


@dataclass(frozen=True)
class Reset:
    """To the model process: the next frame does not follow the last one."""


@dataclass(frozen=True)
class StyledFrame:
    """From the model process: a slot of styled memory holds two RGB pictures (H, W, 3), first the
    one that the model saw, then the painted one."""

    slot: int
    sequence: int
    captured_ns: int
    styled_ns: int
    width: int
    height: int
    inferred: bool
    stage_ns: dict[str, int] = field(default_factory=dict)
