"""From what a probe sees at single moments to whether the camera is watched."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol


class Use(IntEnum):
    """The most that any program does with the camera."""

    NONE = 0
    OPEN = 1  # has it open, perhaps only to ask for its name
    STREAMING = 2  # takes pictures, or has mapped the memory to take them


@dataclass(frozen=True)
class Observation:
    use: Use
    programs: tuple[str, ...] | None = ()  # "chrome (pid 1234)"; None where names are not known
    again_seconds: float | None = None  # when to probe again, for changes that nothing announces


@dataclass(frozen=True)
class Thresholds:
    """How long a use has to last until it counts, in seconds.

    Apps that list cameras open each one for a moment, some every three seconds
    (fangfufu/Linux-Fake-Background-Webcam#167). Apps that change the format close and reopen it.
    """

    streaming: float = 0.1
    open: float = 0.4
    left: float = 3.0


class ViewerProbe(Protocol):
    """Looks at one virtual camera of one system."""

    thresholds: Thresholds
    descriptors: tuple[tuple[int, int], ...]  # (descriptor, poll mask): ready when to probe

    def probe(self) -> Observation:
        """Raises OSError when the camera is gone; close the probe then."""
        ...

    def close(self) -> None: ...


class Debounce:
    """Has no clock of its own: times are those of `time.monotonic_ns()`."""

    def __init__(self, thresholds: Thresholds) -> None:
        self.thresholds = thresholds
        self.watched = False
        self._use = Use.NONE
        self._streaming_since: int | None = None
        self._open_since: int | None = None
        self._left_at: int | None = None

    def update(self, use: Use, now: int) -> None:
        self._use = use
        self._streaming_since = _since(self._streaming_since, use is Use.STREAMING, now)
        self._open_since = _since(self._open_since, use is not Use.NONE, now)
        if any(now >= due for due in self._dues()):
            self.watched = True
            self._left_at = None
        elif self.watched:
            # A short opening does not reset this time: an app that asks every three seconds would
            # keep the camera on forever.
            self._left_at = self._left_at or now
            if use is Use.NONE and now >= self._gone_at(self._left_at):
                self.watched = False
                self._left_at = None

    @property
    def undecided(self) -> bool:
        """A program has the camera open, and it is too early to say what for."""
        return self._use is not Use.NONE and (not self.watched or self._left_at is not None)

    def due(self) -> int | None:
        """When to update although nothing happens; None: not before something does."""
        if self.undecided:
            return min(self._dues())
        return None if self._left_at is None else self._gone_at(self._left_at)

    def _dues(self) -> list[int]:
        """When the present use will have lasted for long enough."""
        return [
            since + round(seconds * 1e9)
            for since, seconds in (
                (self._streaming_since, self.thresholds.streaming),
                (self._open_since, self.thresholds.open),
            )
            if since is not None
        ]

    def _gone_at(self, left_at: int) -> int:
        return left_at + round(self.thresholds.left * 1e9)


def _since(before: int | None, there: bool, now: int) -> int | None:
    if not there:
        return None
    return now if before is None else before
