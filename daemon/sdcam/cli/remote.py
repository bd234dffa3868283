"""Commands that the running service carries out."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from sdcam.cli.options import add_config_option, assignments
from sdcam.errors import MissingError, UsageError

_PROMPT = "look.prompt"
_VERDICT_SECONDS = 1.0
_SAVED = ("prompt", "set", "next", "prev")


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    add_config_option(parser)
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
    from sdcam.control.client import ask, socket_address

    socket = socket_address(arguments.config)
    command = arguments.command
    if command in ("prompt", "set"):
        values = {_PROMPT: arguments.text} if command == "prompt" else assignments(arguments.values)
        if arguments.save:
            _save(socket, arguments.config, values)
        else:
            ask(socket, "set", values=values)
            _heed_the_model(socket, values)
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


def _heed_the_model(socket: Path, values: dict[str, Any]) -> None:
    """Whether the model knows a new prompt shows in the next frame.

    Raises:
        UsageError: it does not.
    """
    from sdcam.control.client import ask

    deadline = time.monotonic() + _VERDICT_SECONDS
    while _PROMPT in values and time.monotonic() < deadline:
        status = ask(socket, "status")
        if fault := status["faults"].get("prompt"):
            raise UsageError(fault)
        look = status["look"]
        if status["state"] != "running" or look["prompt_in_force"] == look["prompt_text"]:
            return
        time.sleep(0.02)


def _save(socket: Path, config: Path | None, values: dict[str, Any]) -> None:
    """By the service, which knows its own writing from an edit; without one into the file alone."""
    from sdcam.control.client import ask
    from sdcam.settings.save import save, with_values

    try:
        file = _refuse_another_file(socket, config)
        if prompt := {key: text for key, text in values.items() if key == _PROMPT}:
            with_values(file, values)  # a file that takes nothing is refused before the picture
            ask(socket, "set", values=prompt)
            _heed_the_model(socket, prompt)
        told = ask(socket, "save", values=values)
    except MissingError:
        from sdcam import paths

        path = config or paths.config_file()
        save(path, values)
        print(f"Saved in {path}.")
        print("The service is not running: it takes effect at the next start.")
        return
    print(f"Saved in {told['file']}.")
    for key, origin in told["covered"].items():
        where = "the command line" if origin == "command line" else f"the variable {origin}"
        print(f"{key} stays as it is: {where} of the running service is stronger than its file.")


def _step_and_save(socket: Path, config: Path | None, command: str) -> None:
    from sdcam.control.client import ask

    file = _refuse_another_file(socket, config)
    print(ask(socket, command, save=True))
    print(f"Saved in {file}.")


def _refuse_another_file(socket: Path, config: Path | None) -> Path:
    """Returns the file that the running service reads.

    Raises:
        MissingError: none runs.
        UsageError: another one is named.
    """
    from sdcam.control.client import ask

    file = Path(str(ask(socket, "status")["config"]["file"]))
    if config is not None and file.resolve() != config.resolve():
        raise UsageError(
            f"The running service reads {file}, not {config}: nothing is changed or saved.",
            "Leave --config away, or stop the service first.",
        )
    return file
