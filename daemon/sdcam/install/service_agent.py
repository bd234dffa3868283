"""What every system's way of keeping a service running has in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Say = Callable[[str], None]  # one line for the user, as something has been done


@dataclass(frozen=True)
class ServiceState:
    """What the system knows of the service."""

    installed: bool
    definition: Path  # the LaunchAgent or the unit, whether it exists or not
    state: str  # in the system's own words: "running", "not running", "activating", ...
    pid: int | None = None
    last_exit: str = ""  # of the process before this one; "" when there was none
    note: str = ""  # what the user should know or do


class ServiceAgent(Protocol):
    """Every method raises SdcamError with what to do when the system refuses, MissingError where
    something is not installed. All of them may be called twice."""

    def install(self, say: Say, config: Path | None = None) -> None:
        """Writes the definition for this user and starts the service, now and at every login.

        Args:
            config: the configuration that it is to read; None for the default place.
        """

    def uninstall(self, say: Say) -> None:
        """Stops it and takes away all that `install` made, and the logs."""

    def start(self, say: Say) -> None: ...

    def stop(self, say: Say) -> None:
        """Returns when its process has ended. It starts again at the next login."""

    def restart(self, say: Say) -> None: ...

    def state(self) -> ServiceState: ...

    def configuration(self) -> Path | None:
        """That the installed service was given; None for the default place, or not installed."""

    def where_else_to_look(self) -> str:
        """For what the service printed before it had a log of its own."""
