"""All commands by name, and what becomes of their errors. Each command lives in a module that is
imported when the command is called, so `sdcam --help` answers at once."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, NoReturn

from sdcam import __version__
from sdcam.cli.terminal import warn
from sdcam.errors import ExitCode, SdcamError

# The errors of a file that stdout is redirected to.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

# command: (module, help)
COMMANDS = {
    "run": ("run", "camera in, styled camera out, until Ctrl-C"),
    "demo": ("demo", "play the embedded clip through the embedded model: demo.mp4, demo.png"),
    "status": ("status", "what the running service does"),
    "pause": ("remote", "show a card and close the camera"),
    "resume": ("remote", "go on after a pause"),
    "next": ("remote", "go to the next style of the gallery"),
    "prev": ("remote", "go to the previous style of the gallery"),
    "prompt": ("remote", "change the prompt of the running service"),
    "set": ("remote", "change live settings of the running service"),
    "snapshot": ("remote", "save the picture that the service shows as a PNG"),
    "cameras": ("cameras", "list the cameras, and which one is used"),
    "models": ("models", "list, download, convert, check and remove models"),
    "bench": ("bench", "measure how fast this machine runs a model, in every way it can"),
    "doctor": ("doctor", "find out what is wrong on this machine, and how to fix it"),
    "service": ("service", "install, start and stop the background service"),
    "obs": ("obs", "put our scenes into OBS: the picture, side by side, with the prompt"),
    "config": ("config", "where the configuration file is, whether it is valid, what is in force"),
}


def run_command(words: Sequence[str] | None) -> int:
    """Runs one command; returns its exit code."""
    words = list(sys.argv[1:] if words is None else words)
    if hasattr(sys.stdout, "reconfigure"):  # a character that the terminal lacks is no fault
        sys.stdout.reconfigure(errors="replace")
    try:
        code = _run(words)
        print(end="", flush=True)  # here a failure can still be reported
        return code
    except SdcamError as error:
        warn(f"sdcam: {error}")
        return int(error.exit_code)
    except BrokenPipeError:  # `sdcam status | head`
        _discard_stdout()
        return int(ExitCode.DONE)
    except OSError as error:
        if error.filename is not None or error.errno not in _NO_ROOM:
            raise
        _discard_stdout()
        warn(f"sdcam: The output cannot be written: {error.strerror}.")
        return int(ExitCode.FAULT)


def _run(words: list[str]) -> int:
    name = next((word for word in words if not word.startswith("-")), None)
    if name in COMMANDS:
        _refuse_windows(sys.platform)
    arguments = parser_for(name).parse_args(words)
    return int(arguments.run(arguments) or ExitCode.DONE)


def parser_for(name: str | None) -> argparse.ArgumentParser:
    """The parser of one command; without one, a parser that knows the names of all."""
    parser = _Parser(
        prog="sdcam",
        description="StreamDiffusion Cam restyles your camera and offers it to every app.",
        epilog="`sdcam COMMAND --help` tells more about a command.",
    )
    parser.add_argument("--version", action="version", version=f"sdcam {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for each in [name] if name in COMMANDS else COMMANDS:
        assert each is not None
        module, text = COMMANDS[each]
        command = commands.add_parser(each, help=text, description=text[:1].upper() + text[1:])
        if each == name:
            import_module(f"sdcam.cli.{module}").configure(command, name)
    return parser


class _Parser(argparse.ArgumentParser):
    """Its last line says what to do, and what was probably meant."""

    def parse_known_args(self, *given: Any, **named: Any) -> Any:
        """Of each parser for itself, so that the error names its command and its options."""
        arguments, unknown = super().parse_known_args(*given, **named)
        if unknown:
            word = unknown[0].partition("=")[0]
            self.error(f"`{self.prog}` does not take {word}{_guess(word, self._option_strings())}")
        return arguments, unknown

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        end = "" if message.endswith("?") else "."
        warn(f"sdcam: {message[:1].upper()}{message[1:]}{end} See `{self.prog} --help`.")
        raise SystemExit(int(ExitCode.USAGE))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        if action.option_strings:
            problem = f'{action.option_strings[-1]} does not take "{value}"'
        else:
            problem = f'there is no {str(action.metavar or action.dest).lower()} "{value}"'
        self.error(
            problem
            + (_guess(value, action.choices) or f"; it is one of {', '.join(action.choices)}")
        )

    def _option_strings(self) -> list[str]:
        return [text for action in self._actions for text in action.option_strings]


def _guess(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), 1)
    return f'; did you mean "{close[0]}"?' if close else ""


def _discard_stdout() -> None:
    """So that Python, when it ends, does not try again to write what is left, with a traceback."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _refuse_windows(platform: str) -> None:
    """Before a command is imported: many need what Windows does not have."""
    if platform == "win32":
        raise SdcamError(
            "StreamDiffusion Cam runs on macOS and Linux. On Windows no command works, and there "
            "is no virtual camera that it could feed.",
            "In WSL 2, which is Linux without cameras, `sdcam demo` and `sdcam run --source "
            "file:PATH --output file:PATH.mp4` should work; nobody has tried.",
        )
