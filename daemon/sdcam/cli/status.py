"""`sdcam status`: what the running service does, once or again and again."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from sdcam.cli.options import add_config_option
from sdcam.cli.status_view import rendered, rows_of
from sdcam.errors import MissingError, SdcamError

_CLEAR_LINE, _CLEAR_BELOW, _HOME, _CLEAR = "\033[K", "\033[J", "\033[H", "\033[2J"
_HIDE_CURSOR, _SHOW_CURSOR = "\033[?25l", "\033[?25h"


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    parser.add_argument("--watch", action="store_true", help="again and again, until Ctrl-C")
    parser.add_argument(
        "--interval",
        type=_seconds,
        default=1.0,
        metavar="SECONDS",
        help="of --watch, 0.1 to 3600 (default: 1)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from sdcam.control.client import ask, socket_address

    if arguments.watch:
        _watch(arguments)
        return
    try:
        status = ask(socket_address(arguments.config), "status")
    except SdcamError as error:
        if arguments.json:
            print(json.dumps(_away(str(error)), indent=2))
        raise
    if arguments.json:
        print(json.dumps(status, indent=2))
    else:
        print(rendered(rows_of(status), colour=_colour()))


def _away(trouble: str) -> dict[str, str]:
    return {"state": "away", "error": trouble}


def _watch(arguments: argparse.Namespace) -> None:
    """Ends with Ctrl-C, which is no fault; a service that goes away is waited for."""
    screen = sys.stdout.isatty() and not arguments.json
    before: dict[str, Any] | None = None
    if screen:
        print(_HIDE_CURSOR + _CLEAR, end="")
    try:
        while True:
            status, trouble = _asked(arguments.config)
            if arguments.json:
                print(json.dumps(status or _away(trouble)), flush=True)
            else:
                _show(_text(status, trouble, before), screen)
            before = status
            time.sleep(arguments.interval)
    except KeyboardInterrupt:
        pass
    finally:
        if screen:
            print(_SHOW_CURSOR, flush=True)


def _asked(config: Path | None) -> tuple[dict[str, Any] | None, str]:
    """The status, or why there is none. The address anew each time: the file may change."""
    from sdcam.control.client import ask, socket_address

    try:
        return ask(socket_address(config), "status"), ""
    except MissingError:
        return None, "StreamDiffusion Cam is not running. Waiting for it."
    except SdcamError as error:
        return None, f"{error} Waiting for it."


def _text(status: dict[str, Any] | None, trouble: str, before: dict[str, Any] | None) -> str:
    if status is None:
        return f"{time.strftime('%H:%M:%S')}  {trouble}"
    return rendered(rows_of(status, before), colour=_colour())


def _show(text: str, screen: bool) -> None:
    """On a terminal always at the same place, without flicker: every line is written over."""
    if not screen:
        print(f"{text}\n", flush=True)
        return
    size = shutil.get_terminal_size()
    lines = [_cut(line, size.columns) for line in [*text.split("\n"), "", "Ctrl-C ends this view."]]
    end = f"{_CLEAR_LINE}\n"
    print(_HOME + end.join(lines[: size.lines]) + _CLEAR_LINE + _CLEAR_BELOW, end="", flush=True)


def _cut(line: str, columns: int) -> str:
    """To the terminal's width: a line that wraps would push the view out of its place. Colours
    stand around whole words and take no room."""
    shown, position = 0, 0
    while position < len(line):
        if line[position] == "\033":
            position = line.index("m", position) + 1
        elif shown == columns:
            return f"{line[: position - 1]}…\033[0m" if _colour() else f"{line[: position - 1]}…"
        else:
            shown, position = shown + 1, position + 1
    return line


def _colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds between 0.1 and 3600")
    return value
