"""The command line. Each command lives in a module of its own, imported when it is called, so that
`sdcam --help` answers at once."""

from __future__ import annotations

import argparse
import errno
import os
import sys
import time
from collections.abc import Sequence
from importlib import import_module

from sdcam import __version__
from sdcam.errors import ExitCode, SdcamError

STARTED_NS = time.monotonic_ns()

# Of a file that stdout is turned to.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

# command: (module, help)
_COMMANDS = {
    "run": ("run", "camera in, styled camera out, until Ctrl-C"),
    "demo": ("demo", "play the embedded clip through the embedded model: demo.mp4, demo.png"),
    "status": ("status", "what the running service does"),
    "pause": ("remote", "show a card and close the camera"),
    "resume": ("remote", "go on after a pause"),
    "next": ("remote", "go to the next style of the gallery"),
    "prev": ("remote", "go to the style before"),
    "prompt": ("remote", "change the prompt of the running service"),
    "set": ("remote", "change live settings of the running service"),
    "snapshot": ("remote", "save the picture that the service shows as a PNG"),
    "cameras": ("cameras", "list the cameras and which one is taken"),
    "models": ("models", "list the models and where they lie"),
    "bench": ("bench", "measure how fast this machine runs a model, in every way it can"),
    "doctor": ("doctor", "find out what is wrong on this machine, and how to mend it"),
    "service": ("service", "install, start and stop the background service"),
    "obs": ("obs", "put our scenes into OBS: the picture, side by side, with the prompt"),
    "config": ("config", "where the configuration lies, whether it is right, what is in force"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code. The last line on stderr says what to do."""
    words = list(sys.argv[1:] if argv is None else argv)
    name = next((word for word in words if not word.startswith("-")), None)
    try:
        if name in _COMMANDS:
            _refuse_windows(sys.platform)
        arguments = _parser(name).parse_args(words)
        code = int(arguments.run(arguments) or ExitCode.DONE)
        print(end="", flush=True)  # here, where it can still be said that it did not go
        return code
    except SdcamError as error:
        print(f"sdcam: {error}", file=sys.stderr)
        return int(error.exit_code)
    except KeyboardInterrupt:  # `run` and `demo` end in order by themselves; this did not
        print("sdcam: interrupted.", file=sys.stderr)
        return int(ExitCode.FAULT)
    except BrokenPipeError:  # `sdcam status | head`
        _give_up_stdout()
        return int(ExitCode.DONE)
    except OSError as error:
        if error.filename is not None or error.errno not in _NO_ROOM:
            raise
        _give_up_stdout()
        print(f"sdcam: The output cannot be written: {error.strerror}.", file=sys.stderr)
        return int(ExitCode.FAULT)


def _give_up_stdout() -> None:
    """What waits there is not tried again, with a traceback, when Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sdcam",
        description="StreamDiffusion Cam restyles your camera and offers it to every app.",
        epilog="`sdcam COMMAND --help` tells more of a command.",
    )
    parser.add_argument("--version", action="version", version=f"sdcam {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (module, text) in _COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[:1].upper() + text[1:])
        if name == chosen:
            import_module(f"sdcam.cli.{module}").configure(command, name)
    return parser


def _refuse_windows(platform: str) -> None:
    """Before a command is imported: many need what Windows does not have."""
    if platform == "win32":
        raise SdcamError(
            "StreamDiffusion Cam runs on macOS and Linux. On Windows no command works, and there "
            "is no virtual camera that it could feed.",
            "In WSL 2, which is Linux without cameras, `sdcam demo` and `sdcam run --source "
            "file:PATH --output file:PATH.mp4` should work; nobody has tried.",
        )
