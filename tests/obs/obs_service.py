"""The service that feeds the scenes, in a home folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from obs_waiting import end, until

from sdcam.obs import Feeds

_SDCAM = [sys.executable, "-m", "sdcam"]
_PATIENCE = 120.0  # until it paints, on a machine that has much else to do


class Service:
    """`sdcam` with a test picture for a camera.

    Args:
        home: an empty folder.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.film: Path | None = None
        left = home / ".cache" / "streamdiffusion-cam" / "obs"
        self.feeds = Feeds("/dev/video10", left / "prompt.txt", left / "side-by-side.sock")
        runtime = home / "run"
        runtime.mkdir(mode=0o700)
        self.surroundings = os.environ | {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_RUNTIME_DIR": str(runtime),
        }
        self._running: subprocess.Popen[bytes] | None = None

    def record_film(self) -> None:
        """A few seconds of what the virtual camera would show."""
        self.film = self.home / "film.mp4"
        source = ("run", "--source", "test", "--prompt", "anime", "--seconds", "4")
        self.say(*source, "--output", f"file:{self.film}")

    def start(self) -> None:
        with (self.home / "sdcam.out").open("ab") as out:
            self._running = subprocess.Popen(
                [
                    *(*_SDCAM, "run", "--source", "test", "--output", "null"),
                    *("--set", "output.side_by_side=true"),
                ],
                env=self.surroundings,
                stdout=out,
                stderr=out,
            )
        until(self._paints, "the service paints", _PATIENCE)

    def stop(self) -> None:
        end(self._running)

    def say(self, *words: str) -> None:
        """A command of `sdcam`."""
        subprocess.run(
            [*_SDCAM, *words], env=self.surroundings, check=True, stdout=subprocess.DEVNULL
        )

    def _paints(self) -> bool:
        told = subprocess.run(
            [*_SDCAM, "status", "--json"], env=self.surroundings, capture_output=True, check=False
        )
        return told.returncode == 0 and json.loads(told.stdout)["state"] == "running"
