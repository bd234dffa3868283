"""launchctl(1) for our LaunchAgent, in the domain of the user at the screen."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from sdcam.errors import MissingError, SdcamError
from sdcam.platforms.names import LAUNCHD_LABEL
from sdcam.platforms.tool import Outcome, call

# Exit codes of `bootstrap` for a label that is loaded: EEXIST, EALREADY, launchd's own; and EIO,
# which also stands for a job that is still ending, and for much else.
_EIO = 5
_ALREADY = (_EIO, 17, 37, 133)
_NO_DOMAIN = (112, 125)
_BAD_OWNER = 122
# Of `bootout` for a label that is not loaded: ESRCH, launchd's own.
_NOT_LOADED = (3, 113)
_IN_PROGRESS = 36

_POLL_SECONDS = 0.1
_RACE_SECONDS = 5.0
_PROPERTY = re.compile(r"^\t([a-z][a-z ]*) = (.+)$", re.MULTILINE)  # one tab: of the job itself
_LAST_EXIT = ("last terminating signal", "last exit reason", "last exit code")


@dataclass(frozen=True)
class Job:
    """A loaded label, as `launchctl print` describes it (in no documented format)."""

    state: str  # "running", "not running", "spawn scheduled", ...
    pid: int | None
    last_exit: str  # "0", "78: EX_CONFIG", "Killed: 9"; "" if it never ended


def logged_in() -> bool:
    return call("launchctl", "print", _domain()).ok


def loaded_job() -> Job | None:
    """None if the label is not loaded."""
    done = call("launchctl", "print", _target())
    return parse_job(done.out) if done.ok else None


def is_disabled() -> bool:
    """Whether `launchctl disable` or `launchctl unload -w` disabled the label."""
    listing = call("launchctl", "print-disabled", _domain()).out
    return re.search(rf'"{re.escape(LAUNCHD_LABEL)}" => (disabled|true)', listing) is not None


def bootstrap(plist: Path) -> None:
    """Loads the job, and enables it first if it is disabled. Retries for a while, because launchd
    may still be ending the previous job of that label.

    Raises:
        MissingError: nobody is logged in at the screen.
        SdcamError: launchd refuses.
    """
    if is_disabled():
        call("launchctl", "enable", _target())
    deadline = time.monotonic() + _RACE_SECONDS
    while not (done := call("launchctl", "bootstrap", _domain(), plist)).ok:
        if done.code not in _ALREADY or time.monotonic() > deadline:
            raise _explained(done, plist)
        if done.code == _EIO and not logged_in():
            raise nobody_is_logged_in()
        bootout()
        time.sleep(_POLL_SECONDS)


def bootout(seconds: float = 40.0) -> bool:
    """Stops the process and unloads the job. False if it was not loaded.

    launchctl returns while the process is still closing its camera. This function returns after the
    process has ended.

    Raises:
        SdcamError: it does not end.
    """
    done = call("launchctl", "bootout", _target())
    if done.code in _NOT_LOADED:
        return False
    if not done.ok and done.code not in (_IN_PROGRESS, _EIO):
        raise SdcamError(f"launchctl cannot stop the service: {done.said}.", "Try again.")
    deadline = time.monotonic() + seconds
    while loaded_job() is not None:
        if time.monotonic() > deadline:
            raise SdcamError(
                f"The service has not ended within {seconds:.0f} seconds.",
                f"`launchctl print {_target()}` shows its state.",
            )
        time.sleep(_POLL_SECONDS)
    return True


def kickstart() -> None:
    """Starts the process of the loaded job."""
    done = call("launchctl", "kickstart", _target())
    if not done.ok:
        raise SdcamError(
            f"launchctl cannot start the service: {done.said}.",
            "`sdcam service install` installs it again.",
        )


def nobody_is_logged_in() -> MissingError:
    """What launchctl's "5: Input/output error" usually means."""
    return MissingError(
        "Nobody is logged in at this Mac's screen as this user (error 5 or 125 of launchctl), and "
        "a camera service needs such a session.",
        "Log in at the screen (ssh is not enough), then try again.",
    )


def parse_job(text: str) -> Job:
    """
    Args:
        text: the output of `launchctl print`.
    """
    found: dict[str, str] = {}
    for name, value in _PROPERTY.findall(text):
        found.setdefault(name, value.strip())
    last = next((found[name] for name in _LAST_EXIT if name in found), "")
    pid = found.get("pid", "")
    return Job(
        state=found.get("state", "unknown"),
        pid=int(pid) if pid.isdecimal() else None,
        last_exit="" if last == "(never exited)" else last,
    )


def _explained(done: Outcome, plist: Path) -> SdcamError:
    if done.code in _NO_DOMAIN:
        return nobody_is_logged_in()
    if done.code == _BAD_OWNER:
        return SdcamError(
            f"launchd does not trust {plist}: only you may be able to write it.",
            f"Run `chmod 644 '{plist}'`, then try again.",
        )
    return SdcamError(
        f"launchd did not accept {plist}: {done.said}.",
        f"`plutil -lint '{plist}'` checks the file. System Settings > General > Login Items & "
        "Extensions shows whether it may run in the background.",
    )


def _domain() -> str:
    return f"gui/{os.getuid()}"


def _target() -> str:
    return f"{_domain()}/{LAUNCHD_LABEL}"
