"""`sdcam cameras`: what there is, and which one `auto` takes."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sdcam.capture import CameraDevice


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from sdcam.capture import list_cameras

    cameras = list_cameras()
    if arguments.json:
        print(json.dumps([asdict(camera) for camera in cameras], indent=2))
    else:
        print(_text(cameras))


def _text(cameras: Sequence[CameraDevice]) -> str:
    if not cameras:
        return "No camera was found. Without one: sdcam run --source test"
    width = max(len(camera.name) for camera in cameras)
    lines = []
    for camera in cameras:
        mark = "*" if camera.is_auto else " " if camera.usable else "-"
        lines.append(
            f"{mark} {camera.index:>3}  {camera.name:<{width}}  {camera.kind.value:<9}  "
            f"{camera.node:<12}  {camera.about_auto}".rstrip()
        )
    lines.append('* what camera.device = "auto" takes   - never a source')
    return "\n".join(lines)
