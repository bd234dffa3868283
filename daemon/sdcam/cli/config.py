"""`sdcam config`: the configuration file, whether it is right, and what is in force."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sdcam.cli.options import add_config_option, add_settings_options, file_path, layers_from
from sdcam.errors import SdcamError, UsageError

if TYPE_CHECKING:
    from sdcam.settings import ConfigError


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    def action(name: str, run: Callable[[argparse.Namespace], None], text: str, more: str = ""):  # type: ignore[no-untyped-def]
        command = actions.add_parser(
            name, help=text, description=f"{text[:1].upper()}{text[1:]}.{more}"
        )
        command.set_defaults(run=run)
        return command

    path = action("path", _path, "say where the file lies, or would")
    init = action("init", _init, "write the documented default file, and its schema beside it")
    check = action("check", _check, "read the file and name every mistake with its line")
    show = action("show", _show, "print what is in force, and where each value came from")
    edit = action(
        "edit",
        _edit,
        "open the file in your editor and check it afterwards",
        " The editor is $VISUAL, else $EDITOR, else one that is there. A running service takes up "
        "what is saved at once.",
    )
    action("schema", _schema, "print the JSON Schema of the file")
    for command in (path, init, edit):
        add_config_option(command, "another file")
    init.add_argument("--force", action="store_true", help="write over the one that is there")
    check.add_argument(
        "file", nargs="?", type=file_path, help="the file, where it is not the usual one"
    )
    for command in (check, show):
        add_settings_options(command)
    show.add_argument("--json", action="store_true", help="for programs")


def _path(arguments: argparse.Namespace) -> None:
    print(_file(arguments))


def _init(arguments: argparse.Namespace) -> None:
    from sdcam.settings.default_file import create

    path = _file(arguments)
    if (path.exists() or path.is_symlink()) and not arguments.force:
        raise UsageError(
            f"{path} is there already.",
            "`sdcam config edit` opens it; --force writes the default over it.",
        )
    create(path)
    print(f"{path} is written: every key with its default. `sdcam config edit` opens it.")


def _check(arguments: argparse.Namespace) -> None:
    from sdcam.service.wanted_model import must_be_here
    from sdcam.settings.load import settings_of
    from sdcam.settings.mistakes import ConfigError

    arguments.config = arguments.file or arguments.config
    path = _file(arguments)
    try:
        said = layers_from(arguments)
        must_be_here(settings_of(said), said)
    except ConfigError as error:
        for mistake in error.mistakes:
            print(mistake, file=sys.stderr)
        raise UsageError(_counts(error), error.todo or _todo(error)) from None
    print(f"OK: {path} is right." if path.exists() else f"OK: no {path}, so all defaults.")


def _counts(error: ConfigError) -> str:
    """ "config.toml: 2 mistakes; command line: 1 mistake." """
    places = Counter(str(m.origin.file or m.origin.source.value) for m in error.mistakes)
    counts = (f"{at}: {n} mistake{'s' if n > 1 else ''}" for at, n in places.items())
    return f"{'; '.join(counts)}."


def _todo(error: ConfigError) -> str:
    in_file = any(mistake.origin.file for mistake in error.mistakes)
    more = "; a running service keeps what it read last" if in_file else ""
    return f"Mend what is named above{more}."


def _show(arguments: argparse.Namespace) -> None:
    from sdcam.cli.config_show import as_json, as_toml

    said = layers_from(arguments)
    print(as_json(said) if arguments.json else as_toml(said), end="")


def _edit(arguments: argparse.Namespace) -> None:
    from sdcam.cli.config_edit import edit
    from sdcam.settings.default_file import create

    path = _file(arguments)
    if not path.exists():
        create(path)
    code = edit(path)
    _check(argparse.Namespace(config=path, file=None, set=[]))  # it may have written all the same
    if code:
        raise SdcamError(f"The editor ended with {code}.", f"See {path}.")


def _schema(arguments: argparse.Namespace) -> None:
    from sdcam.settings.default_file import schema_text

    print(schema_text(), end="")


def _file(arguments: argparse.Namespace) -> Path:
    from sdcam import paths

    named: Path | None = arguments.config
    return named or paths.config_file()
