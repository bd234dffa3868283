"""`sdcam obs`: our scenes in OBS."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sdcam.cli.options import add_config_option
from sdcam.cli.terminal import say
from sdcam.errors import MissingError, SdcamError, UsageError

if TYPE_CHECKING:
    from sdcam.obs import Feeds, ObsFolder
    from sdcam.settings.schema import Settings

_SYSTEM: str = sys.platform
_INSTALL = {
    "darwin": "brew install --cask obs",
    "linux": "sudo apt install obs-studio",
}


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    text = 'put the scene collection "StreamDiffusion Cam" into OBS'
    command = actions.add_parser("install", help=text, description=text[:1].upper() + text[1:])
    command.add_argument("--folder", type=Path, metavar="DIR", help="instead of OBS's own")
    command.add_argument("--force", action="store_true", help="replace the one that is there")
    add_config_option(command, "names the virtual camera")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    if _SYSTEM not in _INSTALL:
        raise UsageError(
            f"There are no scenes for {_SYSTEM}: sdcam has them for macOS and Linux.",
            "It runs on those two.",
        )
    from sdcam.obs import COLLECTION, filled_in, install
    from sdcam.settings import load

    settings = load(arguments.config)
    feeds = _feeds(settings)
    contents = (
        {arguments.folder: filled_in(_SYSTEM, feeds)}
        if arguments.folder
        else {place.scenes: filled_in(_SYSTEM, feeds, place.canvas()) for place in _places()}
    )
    for scenes, content in contents.items():
        file, written = install(scenes, content, arguments.force)
        say(str(file) if written else f"{file}: there already, as it should be")
    if arguments.folder:
        say("In OBS: Scene Collection > Import, and choose the file.")
    say(f"Then choose it in OBS: Scene Collection > {COLLECTION}. Scenes: docs/obs.md")


def _feeds(settings: Settings) -> Feeds:
    """
    Raises:
        MissingError: there is no virtual camera, so OBS would show nothing.
    """
    from sdcam.obs import CaptionFile, Feeds, caption_file, side_by_side_socket
    from sdcam.platforms.loopback import find_loopback

    camera = find_loopback(settings.output.device) if _SYSTEM == "linux" else ""
    caption = caption_file()
    if not caption.exists():  # OBS asks about files that are missing
        CaptionFile(caption).write(settings.prompt_text())
    return Feeds(camera, caption, side_by_side_socket())


def _places() -> list[ObsFolder]:
    """
    Raises:
        MissingError: OBS is not installed, or never ran.
        SdcamError: OBS runs.
    """
    from sdcam.obs import find_obs, is_running

    places = find_obs(_SYSTEM, Path.home())
    if not places:
        raise MissingError(
            "OBS has no folder here: it is not installed, or was never started.",
            f"Install it ({_INSTALL[_SYSTEM]}) and start it once; `--folder DIR` writes the "
            "collection for importing by hand.",
        )
    if is_running():
        raise SdcamError(
            "OBS is running: it would not see the new collection, or would write over it.",
            "Quit OBS, then run this again.",
        )
    for place in places:
        place.scenes.mkdir(parents=True, exist_ok=True)
    return places
