"""launchctl(1), as far as one LaunchAgent of one user needs it."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from sdcam.errors import MissingError, SdcamError
from sdcam.install.tool import Outcome, call

# What bootstrap says of a label that is there: EEXIST, EALREADY, launchd's own, and EIO, which also
# stands for one that is still on its way out, and for much else.
_EIO = 5
_ALREADY = (_EIO, 17, 37, 133)
_NO_DOMAIN = (112, 125)
_BAD_OWNER = 122
# bootout and kickstart of a label that is not there: ESRCH, launchd's own.
_NOT_THERE = (3, 113)
_IN_PROGRESS = 36

_POLL_SECONDS = 0.1
_RACE_SECONDS = 5.0
_PROPERTY = re.compile(r"^\t([a-z][a-z ]*) = (.+)$", re.MULTILINE)  # one tab: of the job itself


@dataclass(frozen=True)
class Job:
    """A label in launchd, as `launchctl print` describes it (in no documented format)."""

    state: str  # "running", "not running", "spawn scheduled", ...
    pid: int | None
    last_exit: str  # "0", "78: EX_CONFIG", "Killed: 9"; "" when it never ended


class Launchctl:
    """The domain of a user who is logged in at the screen.

    Args:
        label: of the job.
    """

    def __init__(self, label: str, uid: int | None = None) -> None:
        self.label = label
        self.domain = f"gui/{os.getuid() if uid is None else uid}"
        self.target = f"{self.domain}/{label}"

    def logged_in(self) -> bool:
        return call("launchctl", "print", self.domain).ok

    def job(self) -> Job | None:
        """None when launchd does not know the label."""
        told = call("launchctl", "print", self.target)
        return parse_job(told.out) if told.ok else None

    def disabled(self) -> bool:
        """By `launchctl disable`, or by whoever unloaded it with -w."""
        told = call("launchctl", "print-disabled", self.domain).out
        return re.search(rf'"{re.escape(self.label)}" => (disabled|true)', told) is not None

    def enable(self) -> None:
        call("launchctl", "enable", self.target)

    def bootstrap(self, plist: Path) -> None:
        """Loads the job. launchd may still be busy with the last one of that name: it is asked
        again for a while.

        Raises:
            MissingError: nobody is logged in at the screen.
            SdcamError: it refuses.
        """
        deadline = time.monotonic() + _RACE_SECONDS
        while not (done := call("launchctl", "bootstrap", self.domain, plist)).ok:
            if done.code not in _ALREADY or time.monotonic() > deadline:
                raise self._explained(done, plist)
            if done.code == _EIO and not self.logged_in():
                raise nobody_is_logged_in()
            self.bootout()
            time.sleep(_POLL_SECONDS)

    def bootout(self, seconds: float = 40.0) -> bool:
        """Ends the job and forgets it. False when there was none.

        launchctl returns while the process still closes its camera: this returns when it is gone.

        Raises:
            SdcamError: it does not go.
        """
        done = call("launchctl", "bootout", self.target)
        if done.code in _NOT_THERE:
            return False
        if not done.ok and done.code not in (_IN_PROGRESS, _EIO):
            raise SdcamError(f"launchctl does not stop the service: {done.said}.", "Try again.")
        deadline = time.monotonic() + seconds
        while self.job() is not None:
            if time.monotonic() > deadline:
                raise SdcamError(
                    f"The service has not ended within {seconds:.0f} seconds.",
                    f"`launchctl print {self.target}` shows what launchd knows of it.",
                )
            time.sleep(_POLL_SECONDS)
        return True

    def kickstart(self) -> None:
        """Starts the process of a job that is loaded."""
        done = call("launchctl", "kickstart", self.target)
        if not done.ok:
            raise SdcamError(
                f"launchctl does not start the service: {done.said}.",
                "`sdcam service install` sets it up again.",
            )

    def _explained(self, done: Outcome, plist: Path) -> SdcamError:
        if done.code in _NO_DOMAIN:
            return nobody_is_logged_in()
        if done.code == _BAD_OWNER:
            return SdcamError(
                f"launchd does not trust {plist}: it must be yours, and nobody else may write it.",
                f"chmod 644 '{plist}', then again.",
            )
        return SdcamError(
            f"launchd did not accept {plist}: {done.said}.",
            f"`plutil -lint '{plist}'` checks the file; System Settings > General > Login Items & "
            "Extensions shows whether it is allowed in the background.",
        )


def nobody_is_logged_in() -> MissingError:
    """What launchctl's "5: Input/output error" means most of the time."""
    return MissingError(
        "Nobody is logged in at this Mac's screen as this user (launchctl calls it error 5 or "
        "125): there is no session that a camera service could live in.",
        "Log in at the screen (ssh is not enough), then again.",
    )


def parse_job(text: str) -> Job:
    """What `launchctl print` says of a job."""
    told: dict[str, str] = {}
    for name, value in _PROPERTY.findall(text):
        told.setdefault(name, value.strip())
    kinds = (
        "last terminating signal",
        "last exit reason",
        "last exit code",
    )  # one of them is there
    last = next((told[kind] for kind in kinds if kind in told), "")
    pid = told.get("pid", "")
    return Job(
        state=told.get("state", "unknown"),
        pid=int(pid) if pid.isdecimal() else None,
        last_exit="" if last == "(never exited)" else last,
    )
