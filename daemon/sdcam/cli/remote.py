"""Commands that the running service carries out."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from sdcam.cli.options import assignments
from sdcam.errors import UsageError


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration to read")
    if name == "prompt":
        parser.add_argument("text", help="what to paint, or the name of a style")
    elif name == "set":
        parser.add_argument("values", nargs="+", metavar="KEY=VALUE", help="look.strength=0.7")
    elif name == "snapshot":
        parser.add_argument("file", nargs="?", type=Path, help="PNG to write")
    parser.set_defaults(run=run, command=name)


def run(arguments: argparse.Namespace) -> None:
    from sdcam.control.address import socket_address
    from sdcam.control.client import ask

    socket = socket_address(arguments.config)
    command = arguments.command
    if command == "prompt":
        ask(socket, "set", values={"look.prompt": arguments.text})
    elif command == "set":
        ask(socket, "set", values=assignments(arguments.values))
    elif command == "snapshot":
        path = arguments.file or Path(time.strftime("sdcam-%Y%m%d-%H%M%S.png"))
        if path.suffix.lower() != ".png":
            raise UsageError(f"{path} is not a .png file.", "Name a file that ends in .png.")
        ask(socket, "snapshot", path=str(path.absolute()))
        print(path)
    elif (result := ask(socket, command)) is not None:
        print(result)
