"""`sdcam cameras`: the cameras of this machine, and which one `auto` takes."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from sdcam.cli.terminal import say, table


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from sdcam.capture import list_cameras

    cameras = list_cameras()
    if arguments.json:
        print(json.dumps([asdict(camera) for camera in cameras], indent=2))
        return
    if not cameras:
        say("No camera was found. Without one: sdcam run --source test")
        return
    table(
        (
            f"{'*' if camera.is_auto else ' ' if camera.usable else '-'} {camera.index:>3}",
            camera.name,
            camera.kind.value,
            camera.node,
            camera.about_auto,
        )
        for camera in cameras
    )
    say('* what camera.device = "auto" takes   - never a source')
