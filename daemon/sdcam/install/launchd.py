"""macOS: the service as a LaunchAgent of this user, under the name of an app of ours."""

from __future__ import annotations

import os
import plistlib
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from sdcam import resources
from sdcam.atomic_file import atomic_write, remove_file
from sdcam.errors import MissingError, SdcamError, UsageError
from sdcam.install.app_bundle import AppBundle
from sdcam.install.camera_permission import Answer, ask_through
from sdcam.install.interpreter import check_it_starts
from sdcam.install.launchctl import Launchctl, nobody_is_logged_in
from sdcam.install.log_lines import remove_logs
from sdcam.install.service_agent import Say, ServiceState
from sdcam.paths import log_folder
from sdcam.platforms.names import LAUNCHD_LABEL

_TEMPLATE = f"{LAUNCHD_LABEL}.plist"
_MODE = 0o644  # launchd refuses a plist that group or others may write
_NOT_INSTALLED = MissingError("The service is not installed.", "`sdcam service install` does it.")


class LaunchAgent:
    """See `ServiceAgent`."""

    def __init__(self, home: Path | None = None) -> None:
        self._home = home or Path.home()
        self.definition = self._home / "Library" / "LaunchAgents" / _TEMPLATE
        self.app = AppBundle(self._home / "Applications")
        self._launchctl = Launchctl(LAUNCHD_LABEL)

    def install(self, say: Say, config: Path | None = None) -> None:
        if "SUDO_UID" in os.environ:
            raise UsageError("A camera service belongs to a user.", "Leave `sudo` away.")
        if not self._launchctl.logged_in():
            raise nobody_is_logged_in()
        built = self.app.build()
        check_it_starts([self.app.launcher, "-m", "sdcam"])
        say(f"{self.app.path} is {'built' if built else 'up to date'}.")

        say("macOS may ask for the camera now: allow it.")
        answer = ask_through(self.app.path)
        say(answer.sentence)

        log_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        definition = render(self.app.launcher, log_folder(), config)
        atomic_write(self.definition, definition, mode=_MODE)
        self._launchctl.bootout()
        self._load()
        say(f"The service runs, now and after every login: {self.definition}")
        if answer is not Answer.GRANTED:
            raise MissingError(
                f"The service is installed, but {answer.sentence[:1].lower()}{answer.sentence[1:]}",
                answer.todo,
            )

    def uninstall(self, say: Say) -> None:
        if self._launchctl.bootout():
            say("The service has ended.")
        if remove_file(self.definition):
            say(f"{self.definition} is removed.")
        else:
            say("The service is not installed.")
        try:
            if self.app.remove():
                say(f"{self.app.path} is removed, with its camera permission.")
        except OSError as error:
            raise SdcamError(f"{self.app.path} cannot be removed: {error.strerror}.") from None
        if logs := remove_logs():
            say(f"{logs} is removed.")

    def start(self, say: Say) -> None:
        self._check_installed()
        job = self._launchctl.job()
        if job is None:
            self._load()
        elif job.pid is not None:
            say(f"The service runs already (process {job.pid}).")
            return
        else:
            self._launchctl.kickstart()
        say("The service is started.")

    def stop(self, say: Say) -> None:
        # Not `launchctl kill`: of a process that has just crashed nothing would stop the next one.
        stopped = self._launchctl.bootout()
        if not stopped:
            self._check_installed()
        say("The service has ended." if stopped else "The service was not running.")

    def restart(self, say: Say) -> None:
        # Not `kickstart -k`: that neither gives it time to close a recording, nor reads the plist.
        self._check_installed()
        self._launchctl.bootout()
        self._load()
        say("The service is started again.")

    def state(self) -> ServiceState:
        installed = self.definition.exists()
        job = self._launchctl.job()
        if job is None:
            note = "" if installed else _NOT_INSTALLED.todo
            if installed and self._launchctl.disabled():
                note = "It is disabled, also for the next login; `sdcam service start` enables it."
            elif installed:
                note = "`sdcam service start` starts it."
            return ServiceState(installed, self.definition, "not running", note=note)
        note = ""
        if installed and not self.app.launcher.exists():
            note = f"{self.app.path} is gone: run `sdcam service install` again."
        return ServiceState(installed, self.definition, job.state, job.pid, job.last_exit, note)

    def configuration(self) -> Path | None:
        try:
            words = plistlib.loads(self.definition.read_bytes())["ProgramArguments"]
            return Path(words[words.index("--config") + 1])
        except (OSError, plistlib.InvalidFileException, ExpatError, LookupError, ValueError):
            return None  # not installed, damaged, or nothing was said

    def where_else_to_look(self) -> str:
        return str(log_folder() / "launchd.log")

    def _check_installed(self) -> None:
        if not self.definition.exists():
            raise _NOT_INSTALLED

    def _load(self) -> None:
        if self._launchctl.disabled():
            self._launchctl.enable()
        self._launchctl.bootstrap(self.definition)


def render(launcher: Path, logs: Path, config: Path | None = None) -> bytes:
    """The LaunchAgent for this user, from the file in `launchd/`."""
    agent: dict[str, Any] = plistlib.loads(resources.launchd(_TEMPLATE).read_bytes())
    words = agent["ProgramArguments"]
    words[words.index("LAUNCHER")] = str(launcher)
    if config is not None:
        words += ["--config", str(config.absolute())]
    for key in ("StandardOutPath", "StandardErrorPath"):
        agent[key] = agent[key].replace("LOGS", str(logs))
    return plistlib.dumps(agent, sort_keys=False)
