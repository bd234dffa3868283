"""What the service is doing, and the card that says so when there is no picture to show."""

from __future__ import annotations

from enum import Enum

from sdcam.compositor import Card
from sdcam.errors import SdcamError


class State(str, Enum):
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    IDLE = "idle"
    FAULT = "fault"


class Situation:
    """
    Args:
        hold_seconds: how long the last picture stands for the ones that don't come.
    """

    def __init__(self, hold_seconds: float) -> None:
        self.hold_ns = round(hold_seconds * 1e9)
        self.paused = False
        self.watched = True  # by an app, or nobody knows
        self.faults: dict[str, SdcamError] = {}
        self.last_fault: SdcamError | None = None
        self._ever_painted = False

    def report(self, part: str, fault: SdcamError | None) -> bool:
        """Notes a fault of a part ("camera", "model", "output") or its end; True if it is news."""
        if fault is None:
            return self.faults.pop(part, None) is not None
        news = str(self.faults.get(part)) != str(fault)
        self.faults[part] = self.last_fault = fault
        return news

    def closed(self, part: str) -> None:
        """It rests, and what is not wanted lacks nothing: a fault of before is none any more."""
        self.faults.pop(part, None)

    @property
    def state(self) -> State:
        if self.paused:
            return State.PAUSED
        if not self.watched:
            return State.IDLE
        if self.faults:
            return State.FAULT
        return State.RUNNING if self._ever_painted else State.STARTING

    @property
    def sentence(self) -> str:
        """One line for `systemctl status`."""
        faults = dict(self.faults)
        return str(next(iter(faults.values()))) if faults else self.state.value

    def card(self, picture_age_ns: int | None) -> Card | None:
        """The card to show, None for the picture; never the raw camera."""
        if self.paused:
            return Card("Paused", "The camera is off. `sdcam resume` goes on.", "paused")
        if not self.watched:
            return Card("Standing by", "The camera is off until an app shows this picture.", "info")
        if picture_age_ns is not None and picture_age_ns < self.hold_ns:
            self._ever_painted = True
            return None
        for part, title in (("camera", "No camera picture"), ("model", "The model is away")):
            if fault := self.faults.get(part):
                return Card(title, str(fault), "fault")
        if not self._ever_painted:
            return Card("Starting", "Loading the model and opening the camera.", "info")
        return Card("Waiting", "The next picture is on its way.", "info")
