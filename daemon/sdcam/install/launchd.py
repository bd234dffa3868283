"""macOS: the service as a LaunchAgent of this user, running as our app."""

from __future__ import annotations

import plistlib
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from sdcam import resources
from sdcam.atomic_file import atomic_write
from sdcam.errors import MissingError, SdcamError
from sdcam.install import launchctl
from sdcam.install.app_bundle import AppBundle
from sdcam.install.camera_permission import Answer, ask_through
from sdcam.install.service_agent import (
    TO_INSTALL,
    TO_START,
    Say,
    ServiceAgent,
    ServiceState,
    check_it_starts,
    refuse_sudo,
)
from sdcam.paths import log_folder
from sdcam.platforms.names import LAUNCHD_LABEL

_TEMPLATE = f"{LAUNCHD_LABEL}.plist"
_MODE = 0o644  # launchd refuses a plist that group or others may write


class LaunchAgent(ServiceAgent):
    def __init__(self) -> None:
        self.definition = Path.home() / "Library" / "LaunchAgents" / _TEMPLATE
        self.app = AppBundle()

    def install(self, say: Say, config: Path | None = None) -> None:
        refuse_sudo()
        if not launchctl.logged_in():
            raise launchctl.nobody_is_logged_in()
        built = self.app.build()
        check_it_starts([self.app.launcher, "-m", "sdcam"])
        say(f"{self.app.path} is {'built' if built else 'up to date'}.")

        say("macOS may ask for the camera now: allow it.")
        answer = ask_through(self.app.path)
        say(answer.sentence)

        log_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        definition = render(self.app.launcher, log_folder(), config)
        atomic_write(self.definition, definition, mode=_MODE)
        self._stop()
        self._start()
        say(f"The service is running, and starts at every login: {self.definition}")
        if answer is not Answer.GRANTED:
            raise MissingError(
                f"The service is installed, but {answer.sentence[:1].lower()}{answer.sentence[1:]}",
                answer.todo,
            )

    def state(self) -> ServiceState:
        installed = self.definition.exists()
        job = launchctl.loaded_job()
        if job is not None:
            gone = installed and not self.app.launcher.exists()
            note = f"{self.app.path} is gone: run `sdcam service install` again." if gone else ""
            return ServiceState(installed, self.definition, job.state, job.pid, job.last_exit, note)
        note = TO_START if installed else TO_INSTALL
        if installed and launchctl.is_disabled():
            note = "It is disabled, also for the next login; `sdcam service start` enables it."
        return ServiceState(installed, self.definition, "not running", note=note)

    def configuration(self) -> Path | None:
        try:
            words = self._arguments()
            return Path(words[words.index("--config") + 1])
        except (OSError, plistlib.InvalidFileException, ExpatError, LookupError, ValueError):
            return None  # not installed, damaged, or the default one

    def programs(self) -> list[Path]:
        return [Path(self._arguments()[0]), *self.app.python()]

    def other_output(self) -> str:
        return str(log_folder() / "launchd.log")

    def _start(self) -> None:
        if launchctl.loaded_job() is None:
            launchctl.bootstrap(self.definition)
        else:
            launchctl.kickstart()

    def _stop(self) -> bool:
        # Not `launchctl kill`: after a crash, launchd would still start the next process. Not
        # `kickstart -k` to restart: it kills a recording, and does not read the plist again.
        return launchctl.bootout()

    def _clean_up(self, say: Say) -> None:
        try:
            if self.app.remove():
                say(f"Removed {self.app.path} and its camera permission.")
        except OSError as error:
            raise SdcamError(
                f"{self.app.path} cannot be removed: {error.strerror}.", "Move it to the Bin."
            ) from None

    def _arguments(self) -> list[str]:
        agent = plistlib.loads(self.definition.read_bytes())
        return [str(word) for word in agent["ProgramArguments"]]


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
