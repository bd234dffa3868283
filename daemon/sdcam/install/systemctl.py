"""systemctl(1) --user, as far as one unit needs it."""

from __future__ import annotations

from sdcam.errors import MissingError, SdcamError
from sdcam.install.tool import Outcome, call

_STOP_SECONDS = 60.0  # TimeoutStopSec and some
_PROPERTIES = (
    "LoadState", "UnitFileState", "ActiveState", "SubState", "MainPID", "Result", "NRestarts",
    "ExecMainStatus", "ExecMainCode", "StatusText",
)  # fmt: skip


class Systemctl:
    def __init__(self, unit: str) -> None:
        self.unit = unit

    def show(self) -> dict[str, str]:
        """What the manager knows of the unit, by the names of systemd.directives(7)."""
        done = self._call("show", self.unit, "--property", ",".join(_PROPERTIES))
        return dict(line.partition("=")[::2] for line in done.out.splitlines() if "=" in line)

    def reload(self) -> None:
        """The manager reads the unit files again."""
        self._call("daemon-reload")

    def enable(self) -> None:
        self._call("enable", self.unit)

    def start(self) -> None:
        """Returns when the service has said that it is ready."""
        self.reset_failed()
        self._call("start", self.unit, seconds=120.0)

    def restart(self) -> None:
        self.reset_failed()
        self._call("restart", self.unit, seconds=120.0 + _STOP_SECONDS)

    def stop(self) -> None:
        """Returns when all its processes have ended."""
        self._call("stop", self.unit, seconds=_STOP_SECONDS)
        self.reset_failed()  # one that had to be killed has been stopped all the same

    def disable(self) -> None:
        self._call("disable", "--now", self.unit, seconds=_STOP_SECONDS)

    def reset_failed(self) -> None:
        """Crashes are counted anew. Of a unit that never failed it fails, and nothing is lost."""
        call("systemctl", "--user", "reset-failed", self.unit)

    def _call(self, *words: str, seconds: float = 30.0) -> Outcome:
        done = call("systemctl", "--user", *words, seconds=seconds)
        if done.ok:
            return done
        if "connect to" in done.err and "bus" in done.err:
            raise MissingError(
                f"There is no systemd session of this user: {done.said}.",
                "Log in on the machine itself (or by ssh) as this user; after `su` or `sudo` there "
                "is none.",
            )
        raise SdcamError(
            f"systemctl {words[0]} failed: {done.said}.",
            f"`systemctl --user status {self.unit}` tells more.",
        )
