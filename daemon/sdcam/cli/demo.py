"""`sdcam demo`: the embedded clip through the embedded model, style after style."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sdcam.cli import STARTED_NS
from sdcam.cli.run import summary_text
from sdcam.cli.terminal import say, warn
from sdcam.errors import SdcamError, UsageError

if TYPE_CHECKING:
    from sdcam.arrays import Pixels
    from sdcam.service.daemon import Daemon

_POLL_SECONDS = 0.05
_START_SECONDS = 60.0


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument(
        "--seconds-per-style", type=float, default=2.0, metavar="N", help="(default: 2)"
    )
    parser.add_argument(
        "--directory", type=Path, default=Path(), metavar="DIR", help="where to write (default: .)"
    )
    parser.add_argument("--model", default="pocket", metavar="NAME", help="(default: pocket)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    import cv2

    from sdcam import resources
    from sdcam.compositor.contact_sheet import contact_sheet
    from sdcam.service.configuration import Configuration
    from sdcam.service.daemon import Daemon
    from sdcam.service.log import start_logging
    from sdcam.service.run_plan import RunPlan
    from sdcam.settings.sources import ConfigSources

    film, sheet = (arguments.directory / name for name in ("demo.mp4", "demo.png"))
    if not arguments.directory.is_dir():
        raise UsageError(f"{arguments.directory} is not a folder.", "Name one that exists.")
    if not arguments.seconds_per_style >= 0.5:
        raise UsageError("--seconds-per-style is below 0.5.", "A style needs time to be seen.")
    start_logging("warning")
    # The demo ignores the user's file and environment: it shows the same everywhere.
    overrides = {"model": {"name": arguments.model}}
    settings = ConfigSources(Path("demo"), "", overrides, {}).settings()
    styles = list(settings.styles)
    settings = settings.model_copy(
        update={"look": settings.look.model_copy(update={"prompt": styles[0]})}
    )
    daemon = Daemon(
        RunPlan(
            Configuration.without_file(settings),
            source=f"file:{resources.demo_clip()}",
            outputs=(f"file:{film}",),
            control=False,
            started_ns=STARTED_NS,
        )
    )
    walk = _Walk(daemon, styles, arguments.seconds_per_style)
    walk.start()
    summary = daemon.run()
    walk.join()
    picture = contact_sheet(walk.rows)
    if not picture.size or not cv2.imwrite(str(sheet), picture):
        raise SdcamError(f"{sheet} cannot be written.", "Is there space left on the disk?")
    say(summary_text(summary))
    say(f"\nWrote {film} (the styled camera) and {sheet} (camera beside style).")


class _Walk(threading.Thread):
    """Goes through the styles of a running service and keeps a pair of pictures of each."""

    def __init__(self, daemon: Daemon, styles: list[str], seconds: float) -> None:
        super().__init__(name="demo", daemon=True)
        self.rows: list[tuple[str, Pixels, Pixels]] = []
        self._daemon = daemon
        self._styles = styles
        self._seconds = seconds
        self._pause = threading.Event()

    def run(self) -> None:
        try:
            self._await_first_picture()
            for number, style in enumerate(self._styles, start=1):
                warn(f"[{number}/{len(self._styles)}] {style}")
                self._daemon.commands.set({"look.prompt": style})
                self._pause.wait(self._seconds)
                if (pair := self._daemon.commands.newest()) is not None:
                    self.rows.append((style, *pair))
        finally:
            self._daemon.stop()

    def _await_first_picture(self) -> None:
        warn("loading the model ...")
        for _ in range(round(_START_SECONDS / _POLL_SECONDS)):
            if self._daemon.commands.newest() is not None or self._daemon.stopping:
                return
            self._pause.wait(_POLL_SECONDS)
