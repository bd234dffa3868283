"""The small records that cross the pipes; pixels stay behind in shared memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from sdcam.capture.source import SourceInfo
from sdcam.errors import MissingError
from sdcam.pipeline.look import Look
from sdcam.pipeline.networks import NetworksSpec


@dataclass(frozen=True)
class LogLine:
    """From any of our processes: a line for the log, which the daemon writes."""

    part: str  # "sdcam.model"
    level: int
    text: str


@dataclass(frozen=True)
class Started:
    """From the capture process: it runs, and opens the source that it is told."""


@dataclass(frozen=True)
class Opened:
    """From the capture process: the source is open."""

    info: SourceInfo


@dataclass(frozen=True)
class Absent:
    """From the capture process: the camera is not there; it is looked for again and again."""

    fault: MissingError


@dataclass(frozen=True)
class CameraFrame:
    """From the capture process: a slot of camera memory holds this BGR frame."""

    slot: int
    sequence: int
    captured_ns: int  # time.monotonic_ns()
    width: int
    height: int
    unread: int = 0  # frames since the last one that the camera gave while no slot was free


@dataclass(frozen=True)
class SourceEnded:
    """From the capture process: a file that plays once is over."""


@dataclass(frozen=True)
class Ready:
    """From a process of the model: loaded and warm."""

    spec: NetworksSpec


@dataclass(frozen=True)
class PaintRequest:
    """To a process of the model: run your stages on this frame."""

    frame: CameraFrame
    slot: int  # of styled memory: the frame's buffers
    look: Look
    now_ns: int  # the clock of prompt transitions
    fresh: bool  # it does not follow the frame before it
    best_before_ns: int  # if it could not be begun until then, a newer frame is the better use
    inferred: bool = True  # as found by the stages before


@dataclass(frozen=True)
class StagesDone:
    """From a process of the model: the buffers holds what its stages made, or nothing new where
    the frame came too late."""

    inferred: bool = True
    stale: bool = False
    stage_ns: dict[str, int] = field(default_factory=dict)
    prompt_refused: bool = False  # the model does not know it: the one before counts


@dataclass(frozen=True)
class StyledFrame:
    """From the model: the buffers in this slot of styled memory is painted."""

    slot: int
    sequence: int
    captured_ns: int
    spec: NetworksSpec
    inferred: bool
    stage_ns: dict[str, int] = field(default_factory=dict)
    prompt: str = ""  # that was wanted
    prompt_refused: bool = False
