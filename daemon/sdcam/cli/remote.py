"""Commands that the running service carries out. They load nothing that their question to the
service does not need: a prompt has a tenth of a second from the shell to the changed picture."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from sdcam.cli.options import add_config_option, assignments
from sdcam.cli.terminal import interruptible, say
from sdcam.control.client import ask, socket_address
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
    socket = socket_address(arguments.config)
    command = arguments.command
    if command in ("prompt", "set"):
        values = {_PROMPT: arguments.text} if command == "prompt" else assignments(arguments.values)
        if arguments.save:
            _save(socket, arguments.config, values)
        else:
            _set(socket, values)
    elif command == "snapshot":
        path = arguments.file or Path(time.strftime("sdcam-%Y%m%d-%H%M%S.png"))
        if path.suffix.lower() != ".png":
            raise UsageError(f"{path} is not a .png file.", "Name a file that ends in .png.")
        ask(socket, "snapshot", path=str(path.absolute()))
        say(str(path))
    elif command in ("next", "prev") and arguments.save:
        file = _served_file(socket, arguments.config)
        say(ask(socket, command, save=True))
        say(f"Saved in {file}.")
    elif (result := ask(socket, command)) is not None:
        say(str(result))


def _set(socket: Path, values: dict[str, Any]) -> None:
    """Changes the look; whether the model knows a new prompt shows in the next frame.

    Raises:
        UsageError: the model has no trained word in the prompt.
    """
    ask(socket, "set", values=values)
    deadline = time.monotonic() + _VERDICT_SECONDS
    while _PROMPT in values and time.monotonic() < deadline:
        status = ask(socket, "status")
        if fault := status["notices"].get("prompt"):
            raise UsageError(fault)
        look = status["look"]
        if status["state"] != "running" or look["prompt_in_force"] == look["prompt_text"]:
            return
        time.sleep(0.02)


def _save(socket: Path, config: Path | None, values: dict[str, Any]) -> None:
    """Saves through the service, which can tell its own writing from a user's edit; if none runs,
    into the file."""
    try:
        file = _served_file(socket, config)
        if prompt := {key: text for key, text in values.items() if key == _PROMPT}:
            _check_save(file, values)
            _set(socket, prompt)
        saved = ask(socket, "save", values=values)
    except MissingError:
        _save_in_file(config, values)
        return
    say(f"Saved in {saved['file']}.")
    for key, origin in saved["covered"].items():
        where = "the command line" if origin == "command line" else f"the variable {origin}"
        say(f"{key} stays as it is: {where} of the running service is stronger than its file.")


def _check_save(file: Path, values: dict[str, Any]) -> None:
    """Before the picture changes.

    Raises:
        SdcamError: the file would not take these values.
    """
    from sdcam.settings.save import with_values

    with_values(file, values)


def _save_in_file(config: Path | None, values: dict[str, Any]) -> None:
    from sdcam import paths
    from sdcam.settings.save import save

    path = config or paths.config_file()
    with interruptible():
        save(path, values)
    say(f"Saved in {path}.")
    say("The service is not running: it takes effect at the next start.")


def _served_file(socket: Path, config: Path | None) -> Path:
    """The configuration file that the running service reads.

    Raises:
        MissingError: no service runs.
        UsageError: `--config` names another file.
    """
    file = Path(str(ask(socket, "status")["config"]["file"]))
    if config is not None and file.resolve() != config.resolve():
        raise UsageError(
            f"The running service reads {file}, not {config}: nothing is changed or saved.",
            "Leave --config out, or stop the service first.",
        )
    return file
