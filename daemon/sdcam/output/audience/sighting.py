"""What can be seen of the audience at one moment, and who looks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol


class Sight(IntEnum):
    NOBODY = 0
    OPEN = 1  # a program has the camera open; it may only be asking for its name
    STREAMING = 2  # a program takes pictures, or has mapped the memory to take them


@dataclass(frozen=True)
class Sighting:
    sight: Sight
    programs: tuple[str, ...] | None = ()  # "chrome (1234)"; None: there are no names here
    again_seconds: float | None = None  # look again then: not everything is announced


@dataclass(frozen=True)
class Patience:
    """How long something has to last until it counts.

    Apps that list cameras open each for a moment, some every three seconds
    (fangfufu/Linux-Fake-Background-Webcam#167); apps that change the format close and open again.
    """

    streaming_seconds: float = 0.1
    open_seconds: float = 0.4
    left_seconds: float = 3.0


class Lookout(Protocol):
    """Looks at one virtual camera of one system."""

    patience: Patience
    descriptors: tuple[tuple[int, int], ...]  # (descriptor, poll mask): ready is time for a look

    def look(self) -> Sighting:
        """Raises OSError when the camera is gone; the lookout is then of no more use."""
        ...

    def close(self) -> None: ...
