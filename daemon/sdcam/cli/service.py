"""`sdcam service`: the service as launchd or systemd runs it, instead of a terminal."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sdcam.cli.options import add_config_option
from sdcam.cli.terminal import interruptible, pairs, say, warn
from sdcam.errors import ExitCode, MissingError, SdcamError, UsageError

if TYPE_CHECKING:
    from sdcam.install import ServiceState

_SYSTEM: str = sys.platform
_ACTIONS = {
    "install": "run it in the background, now and after every login",
    "uninstall": "end it and remove everything that install made",
    "start": "start it",
    "stop": "end it until the next login",
    "restart": "end it and start it again",
    "status": "whether it is installed and running",
    "logs": "the last lines of its log",
}
_ASK = "ask-permission"  # started by the app, not by people: --help does not show it


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for action, text in _ACTIONS.items():
        command = actions.add_parser(action, help=text, description=text[:1].upper() + text[1:])
        command.set_defaults(run=run, action=action)
        if action == "install":
            add_config_option(command, "the file that it reads")
        elif action == "status":
            command.add_argument("--json", action="store_true", help="for programs")
        elif action == "logs":
            add_config_option(command, "names the log file")
            command.add_argument("-f", "--follow", action="store_true", help="show new lines, too")
            command.add_argument("-n", "--lines", type=_count, default=50, metavar="N")
    ask = actions.add_parser(_ASK)
    ask.add_argument("--report", type=Path, metavar="FILE")
    ask.set_defaults(run=_ask_permission)
    actions.choices = _ForPeople(actions.choices)


class _ForPeople(dict[str, argparse.ArgumentParser]):
    """The answer to a wrong action lists only those that people use."""

    def __iter__(self) -> Iterator[str]:
        return iter(_ACTIONS)


def run(arguments: argparse.Namespace) -> ExitCode:
    if _SYSTEM not in ("darwin", "linux"):  # before the import of what only these have
        raise UsageError(
            f"There is no service to install on {_SYSTEM}: sdcam knows launchd (macOS) and systemd "
            "(Linux).",
            "It runs on those two.",
        )
    from sdcam.install import service_agent

    agent = service_agent(_SYSTEM)
    if arguments.action == "install":
        configuration = _configuration(arguments.config)
        with interruptible():
            agent.install(say, configuration)
    elif arguments.action == "status":
        return _status(agent.state(), arguments.json)
    elif arguments.action == "logs":
        named = arguments.config or agent.configuration()
        with interruptible(), contextlib.suppress(KeyboardInterrupt):  # Ctrl-C ends --follow
            _logs(_log_file(named), arguments, agent.other_output())
    else:
        with interruptible():
            getattr(agent, arguments.action)(say)
    return ExitCode.DONE


def _configuration(named: Path | None) -> Path | None:
    """The file that the service is started with; None for the default place.

    Raises:
        UsageError: it is not valid. The service would wait until it is; here a user can fix it.
    """
    from sdcam.paths import ENV_CONFIG, config_file
    from sdcam.settings import load

    if named is None and ENV_CONFIG in os.environ:  # the service does not see the variable
        named = config_file()
    load(named)
    if others := sorted(n for n in os.environ if n.startswith("SDCAM_") and "__" in n):
        say(f"{', '.join(others)}: set in this terminal, not for the service. Its configuration")
        say("is the file: sdcam config path.")
    return named


def _status(state: ServiceState, as_json: bool) -> ExitCode:
    rows = {
        "service": f"{'installed' if state.installed else 'not installed'}, {state.state}",
        "process": state.pid or "",
        "last exit": state.last_exit,
        "definition": state.definition if state.installed else "",
        "": state.note,
    }
    if as_json:
        print(json.dumps({**vars(state), "definition": str(state.definition)}))
    else:
        pairs((f"{name:<10}", str(text)) for name, text in rows.items() if text)
    if state.pid is not None:
        return ExitCode.DONE
    return ExitCode.FAULT if state.installed else ExitCode.MISSING


def _logs(path: Path, arguments: argparse.Namespace, elsewhere: str) -> None:
    from sdcam.install.logs import follow, last_lines
    from sdcam.paths import crash_file

    crashes = crash_file(str(path))
    if crashes.exists() and crashes.stat().st_size:
        elsewhere = f"{crashes}, {elsewhere}"
    lines = last_lines(path, arguments.lines)
    if not lines and not path.exists():
        raise MissingError(
            f"There is no log {path}: the service has not run yet.",
            f"What it printed before it had a log: {elsewhere}",
        )
    for line in lines:
        say(line)
    if arguments.follow:
        for line in follow(path):
            say(line)
    else:
        warn(f"What it printed outside its log: {elsewhere}")


def _log_file(config: Path | None) -> Path:
    from sdcam.paths import log_file
    from sdcam.settings import load

    try:
        return log_file(load(config).service.log_file)
    except SdcamError:  # the configuration is not valid; the default log says so
        return log_file()


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a number of lines")
    return int(text)


def _ask_permission(arguments: argparse.Namespace) -> ExitCode:
    from sdcam.install.camera_permission import Answer, ask

    answer = ask()
    say(f"{answer.sentence} {answer.todo}")
    if arguments.report:
        arguments.report.write_text(json.dumps({"answer": answer.name}))
    return ExitCode.DONE if answer is Answer.GRANTED else ExitCode.MISSING
