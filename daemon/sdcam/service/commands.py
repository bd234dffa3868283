"""What the control socket and the command line can ask of the running service."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcam.errors import SdcamError
from sdcam.service.snapshot import write_png
from sdcam.service.status import status_of

if TYPE_CHECKING:
    from sdcam.arrays import Pixels
    from sdcam.service.daemon import Daemon

_log = logging.getLogger("sdcam.service")
# What the user asked for: logged every time, never left out as a repetition.
_user_log = logging.getLogger("sdcam.user")


class Commands:
    """Every method may be called from any thread. Changes of settings come one after the other."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._lock = threading.RLock()

    def pause(self) -> None:
        """Shows a card in place of the picture and closes the camera, until `resume`."""
        self._daemon.activity.pause(True)
        self._daemon.pause_mark.set()
        _user_log.info("paused")

    def resume(self) -> None:
        self._daemon.pause_mark.remove()
        self._daemon.activity.pause(False)
        _user_log.info("resumed")

    def set(self, values: dict[str, object]) -> None:
        """Changes live keys, `{"look.prompt": "anime"}`, until the file is next edited.

        Raises:
            UsageError: an unknown key, a value out of bounds, a key that is not live.
        """
        with self._lock:
            self._daemon.apply(self._daemon.configuration.set(values))
        _user_log.info("%s", self._daemon.configuration.in_words(values))

    def save(self, values: dict[str, object]) -> dict[str, object]:
        """Changes keys of any effect, in the configuration file too: `Configuration.saved`.

        Raises:
            SdcamError: as `Configuration.save`; then nothing has changed.
        """
        with self._lock:
            self.reload()  # an edit that the watcher has not noticed yet comes first
            self._daemon.apply(self._daemon.configuration.save(values))
            _user_log.info("saved: %s", self._daemon.configuration.in_words(values))
            return self._daemon.configuration.saved(values)

    def reload(self) -> None:
        """Applies an edit of the configuration file. A broken file changes nothing."""
        configuration = self._daemon.configuration
        with self._lock:
            before = configuration.error
            changes = configuration.reload()
            if changes is None:
                if str(before) != str(configuration.error):  # else the log has it already
                    _user_log.warning("nothing is changed: %s", configuration.error)
                return
            if before:
                _user_log.info("the configuration file is right again")
            if changes:
                _user_log.info("the configuration changed: %s", ", ".join(sorted(changes.keys)))
                self._daemon.apply(changes)

    def step_style(self, step: int, save: bool) -> str:
        """Goes `step` styles further in the gallery; returns the name of the new one.

        Raises:
            SdcamError: it cannot be saved; then nothing has changed.
        """
        with self._lock:
            name = self._daemon.look.neighbour(step)
            (self.save if save else self.set)({"look.prompt": name})
            return name

    def newest(self) -> tuple[Pixels, Pixels] | None:
        """Copies of the newest model input and styled picture, RGB (H, W, 3)."""
        return self._daemon.output.newest()

    def shown_pair(self) -> tuple[Pixels, Pixels] | None:
        """`newest` for OBS's side by side: only if the user offers it, and never behind a card."""
        daemon = self._daemon
        offered = daemon.settings.output.side_by_side and not daemon.output.showing
        return self.newest() if offered else None

    def snapshot(self, path: Path) -> None:
        """Writes the newest styled picture as PNG.

        Raises:
            UsageError: not an absolute path of a PNG.
            SdcamError: there is no picture, or the file cannot be written.
        """
        if (pair := self.newest()) is None:
            raise SdcamError("There is no picture to save now.", "`sdcam status` says why.")
        write_png(path, pair[1])

    def status(self) -> dict[str, Any]:
        return status_of(self._daemon)

    def stop(self) -> None:
        self._daemon.stop()
