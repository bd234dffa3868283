"""What launchd and systemd have in common here: the commands of `sdcam service`."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sdcam.atomic_file import remove_file
from sdcam.errors import MissingError, UsageError
from sdcam.install.logs import remove_logs
from sdcam.platforms.tool import call

Say = Callable[[str], None]  # prints one line for the user, after something was done

TO_INSTALL = "`sdcam service install` installs it."
TO_START = "`sdcam service start` starts it."
_FIRST_START_SECONDS = 60.0  # of Python on a slow disk


@dataclass(frozen=True)
class ServiceState:
    """What the service manager knows about the service."""

    installed: bool
    definition: Path  # the LaunchAgent or the unit, whether it exists or not
    state: str  # in the manager's own words: "running", "not running", "activating", ...
    pid: int | None = None
    last_exit: str = ""  # of the previous process; "" if there was none
    note: str = ""  # what the user should know or do


class ServiceAgent(ABC):
    """The service in the hands of one service manager. Every command may be repeated.

    Every method raises SdcamError if the manager refuses, and MissingError if something is not
    installed; both say what to do.
    """

    definition: Path

    @abstractmethod
    def install(self, say: Say, config: Path | None = None) -> None:
        """Writes the definition for this user and starts the service, now and at every login.

        Args:
            config: the configuration file that the service reads; None for the default one.
        """

    def uninstall(self, say: Say) -> None:
        """Stops the service and removes everything that `install` made, and the logs."""
        if self._unload():
            say("The service has stopped.")
        if remove_file(self.definition):
            say(f"Removed {self.definition}.")
        else:
            say("The service is not installed.")
        self._clean_up(say)
        if logs := remove_logs():
            say(f"Removed {logs}.")

    def start(self, say: Say) -> None:
        self._check_installed()
        if pid := self.state().pid:
            say(f"The service is already running (process {pid}).")
            return
        self._start()
        say("The service has started.")

    def stop(self, say: Say) -> None:
        """Returns after the process has ended. The service starts again at the next login."""
        if self._stop():
            say("The service has stopped.")
        else:
            self._check_installed()
            say("The service was not running.")

    def restart(self, say: Say) -> None:
        self._check_installed()
        self._stop()
        self._start()
        say("The service has restarted.")

    @abstractmethod
    def state(self) -> ServiceState: ...

    @abstractmethod
    def configuration(self) -> Path | None:
        """The file that `install` was given; None for the default one, or if not installed."""

    @abstractmethod
    def programs(self) -> list[Path]:
        """The files that have to exist for the installed service to start; Python is the last.

        Raises:
            OSError, ValueError, LookupError: the definition cannot be read.
        """

    @abstractmethod
    def other_output(self) -> str:
        """Where to read what the service prints before it opens its log."""

    @abstractmethod
    def _start(self) -> None:
        """With the definition as it is now."""

    @abstractmethod
    def _stop(self) -> bool:
        """Returns after the process has ended; False if there was none."""

    def _unload(self) -> bool:
        """Stops the service, also for the next login. False if there was none."""
        return self._stop()

    @abstractmethod
    def _clean_up(self, say: Say) -> None:
        """After the definition was removed."""

    def _check_installed(self) -> None:
        if not self.definition.exists():
            raise MissingError("The service is not installed.", TO_INSTALL)


def interpreter() -> Path:
    """This Python, by the path that leads to its venv: links are not followed."""
    return Path(sys.executable).absolute()


def refuse_sudo() -> None:
    """
    Raises:
        UsageError: this command runs under sudo, so the service would be root's.
    """
    if "SUDO_UID" in os.environ:
        raise UsageError("The service belongs to a user, not to root.", "Run it without `sudo`.")


def check_it_starts(command: Sequence[str | Path]) -> None:
    """Runs `command --version` as the manager will: in /, without this terminal's environment.

    Raises:
        UsageError: it fails. The service would fail the same way, and nobody would see why.
    """
    kept = {name: os.environ[name] for name in ("HOME", "USER", "LANG") if name in os.environ}
    done = call(
        *command,
        "--version",
        seconds=_FIRST_START_SECONDS,
        environment={**kept, "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
        folder=Path("/"),
    )
    if not done.ok or not done.out.startswith("sdcam "):
        raise UsageError(
            f"A service could not start sdcam with {command[0]}: {done.said}.",
            f"Install it into that Python: {interpreter()} -m pip install streamdiffusion-cam.",
        )
