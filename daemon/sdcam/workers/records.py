"""The small records that cross the pipes between processes; pixels stay in shared memory."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sdcam.capture.source import SourceInfo
from sdcam.errors import MissingError
from sdcam.pipeline.frame import Frame
from sdcam.pipeline.networks import NetworksSpec


@dataclass(frozen=True)
class Started:
    """From the process of a device: it runs, and now opens the device that it is given."""


# From the capture process.


@dataclass(frozen=True)
class Opened:
    """The source is open."""

    info: SourceInfo


@dataclass(frozen=True)
class Absent:
    """The camera is not there; the process keeps looking for it."""

    fault: MissingError


@dataclass(frozen=True)
class SourceEnded:
    """A file that plays once has ended."""


@dataclass(frozen=True)
class CameraFrame:
    """A slot of camera memory holds this BGR frame.

    Attributes:
        sequence: counts the frames of one opening of the source, from 1, the unread ones too.
        captured_ns: `time.monotonic_ns()`.
        unread: frames since the last record that found no free slot.
        first: no frame of this opening was delivered before it.
    """

    slot: int
    sequence: int
    captured_ns: int
    width: int
    height: int
    unread: int = 0
    first: bool = False


# To and from a model process.


@dataclass(frozen=True)
class Ready:
    """The model is loaded and warm."""

    spec: NetworksSpec


class FlightState(Enum):
    WAITING = "waiting for the process at `position`"
    SENT = "with that process"
    LOST = "with it, but another process failed: discard the result when it arrives"


@dataclass
class InFlightFrame:
    """A frame on its way through the model processes. A copy of it is the request to each process,
    which answers with `Answer`.

    Attributes:
        camera: where the camera frame lies, until the first process has read it.
        slot: of styled memory, which holds the frame's buffers.
        best_before_ns: a process that cannot begin by then gives the frame up as stale.
        position: index of the process that it is with or waits for.
    """

    camera: CameraFrame
    slot: int
    frame: Frame
    best_before_ns: int = 0
    position: int = 0
    state: FlightState = FlightState.WAITING


@dataclass(frozen=True)
class Answer:
    """From a model process: its stages are done with the frame, or gave it up as stale."""

    frame: Frame
    stale: bool = False


@dataclass(frozen=True)
class StyledFrame:
    """A frame that passed all stages; its pixels lie in `slot` of styled memory."""

    slot: int
    spec: NetworksSpec
    camera: CameraFrame
    frame: Frame


# From the process of an output.


@dataclass(frozen=True)
class SinkOpened:
    """The output takes frames in this pixel format."""

    name: str
    pixel_format: str


@dataclass(frozen=True)
class FrameTaken:
    """The output took the frame in `slot` at `taken_ns` (`time.monotonic_ns()`)."""

    slot: int
    taken_ns: int
    report: dict[str, float]
