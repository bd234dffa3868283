"""Commands that the running service carries out."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from sdcam.cli.options import assignments
from sdcam.errors import MissingError, UsageError

_SAVED = ("prompt", "set", "next", "prev")


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration to read")
    if name == "prompt":
        parser.add_argument("text", help="what to paint, or the name of a style")
    elif name == "set":
        parser.add_argument("values", nargs="+", metavar="KEY=VALUE", help="look.strength=0.7")
    elif name == "snapshot":
        parser.add_argument("file", nargs="?", type=Path, help="PNG to write")
    if name in _SAVED:
        parser.add_argument(
            "--save",
            action="store_true",
            help="write it into the configuration file, too; comments there stay",
        )
    parser.set_defaults(run=run, command=name)


def run(arguments: argparse.Namespace) -> None:
    from sdcam.control.address import socket_address
    from sdcam.control.client import ask

    socket = socket_address(arguments.config)
    command = arguments.command
    if command in ("prompt", "set"):
        values = (
            {"look.prompt": arguments.text}
            if command == "prompt"
            else assignments(arguments.values)
        )
        if arguments.save:
            _set_and_save(socket, arguments.config, values)
        else:
            ask(socket, "set", values=values)
    elif command == "snapshot":
        path = arguments.file or Path(time.strftime("sdcam-%Y%m%d-%H%M%S.png"))
        if path.suffix.lower() != ".png":
            raise UsageError(f"{path} is not a .png file.", "Name a file that ends in .png.")
        ask(socket, "snapshot", path=str(path.absolute()))
        print(path)
    elif command in ("next", "prev") and arguments.save:
        _step_and_save(socket, arguments.config, command)
    elif (result := ask(socket, command)) is not None:
        print(result)


def _set_and_save(socket: Path, config: Path | None, values: dict[str, Any]) -> None:
    """Into the file only if the service takes it, into the service only if the file takes it."""
    from sdcam.control.client import ask
    from sdcam.settings.change import is_live
    from sdcam.settings.save import with_values, write

    try:
        path = _file_of_service(socket, config)
    except MissingError:
        from sdcam import paths

        _save(config or paths.config_file(), values)
        print("The service is not running: it takes effect at the next start.")
        return
    text = with_values(path, values)
    if live := {key: value for key, value in values.items() if is_live(key)}:
        ask(socket, "set", values=live)
    write(path, text)  # the service watches it and takes up the rest
    print(f"Saved in {path}.")


def _step_and_save(socket: Path, config: Path | None, command: str) -> None:
    from sdcam.control.client import ask
    from sdcam.settings.save import with_values

    path = _file_of_service(socket, config)
    with_values(path, {"look.prompt": ""})  # a file that takes nothing is refused before the step
    style = ask(socket, command)
    print(style)
    _save(path, {"look.prompt": style})


def _save(path: Path, values: dict[str, Any]) -> None:
    from sdcam.settings.save import save

    save(path, values)
    print(f"Saved in {path}.")


def _file_of_service(socket: Path, config: Path | None) -> Path:
    """The file that the running service reads: it may have been started with another one.

    Raises:
        MissingError: none runs.
    """
    from sdcam import paths
    from sdcam.control.client import ask

    told = ask(socket, "status").get("config") or {}
    return Path(told.get("file") or config or paths.config_file())
