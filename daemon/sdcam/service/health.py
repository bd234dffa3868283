"""How the service is doing, and the card that says so when there is no picture to show."""

from __future__ import annotations

from enum import Enum

from sdcam.compositor import Card
from sdcam.errors import SdcamError


class ServiceState(str, Enum):
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    IDLE = "idle"
    FAULT = "fault"


class ServiceHealth:
    """
    Attributes:
        faults: by part ("camera", "model", "output:SPEC"): the picture suffers from each.
        notices: by subject ("prompt"): the user should know, the picture is fine.
        last_fault: stays after the part works again.

    Args:
        hold_seconds: how long the last picture stays when no new one arrives.
    """

    def __init__(self, hold_seconds: float) -> None:
        self.hold_ns = round(hold_seconds * 1e9)
        self.paused = False
        self.watched = True  # by an app, or it cannot be known
        self.faults: dict[str, SdcamError] = {}
        self.notices: dict[str, SdcamError] = {}
        self.last_fault: SdcamError | None = None
        self._ever_shown = False

    def report(self, part: str, fault: SdcamError | None) -> bool:
        """Notes a fault of a part, or that it works (None). True if that is news."""
        if fault is None:
            return self.faults.pop(part, None) is not None
        news = str(self.faults.get(part)) != str(fault)
        self.faults[part] = self.last_fault = fault
        return news

    def notice(self, subject: str, text: SdcamError | None) -> bool:
        """Sets or clears (None) a notice. True if that is news."""
        before = self.notices.pop(subject, None)
        if text is not None:
            self.notices[subject] = text
        return str(before) != str(text)

    def closed(self, part: str) -> None:
        """The part is closed on purpose, so an earlier fault of it no longer counts."""
        self.faults.pop(part, None)

    @property
    def state(self) -> ServiceState:
        if self.paused:
            return ServiceState.PAUSED
        if not self.watched:
            return ServiceState.IDLE
        if self.faults:
            return ServiceState.FAULT
        return ServiceState.RUNNING if self._ever_shown else ServiceState.STARTING

    @property
    def summary(self) -> str:
        """One line for `systemctl status`."""
        faults = list(self.faults.values())
        return str(faults[0]) if faults else self.state.value

    def card(self, picture_age_ns: int | None) -> Card | None:
        """The card to show, None for the picture; never the raw camera."""
        if self.paused:
            return Card("Paused", "The camera is off. `sdcam resume` turns it on.", "paused")
        if not self.watched:
            return Card("Standing by", "The camera is off until an app shows this picture.", "info")
        if picture_age_ns is not None and picture_age_ns < self.hold_ns:
            self._ever_shown = True
            return None
        for part, title in (("camera", "No camera picture"), ("model", "The model does not run")):
            if fault := self.faults.get(part):
                return Card(title, str(fault), "fault")
        if not self._ever_shown:
            return Card("Starting", "Loading the model and opening the camera.", "info")
        return Card("Waiting", "The next picture is on its way.", "info")
