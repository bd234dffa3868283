"""`sdcam config`: the configuration file, whether it is right, and what is in force."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sdcam.cli.options import add_config_option, add_settings_options, file_path, sources_from
from sdcam.cli.terminal import interruptible, left_to_the_child, line, say, warn
from sdcam.errors import SdcamError, UsageError

if TYPE_CHECKING:
    from sdcam.settings import ConfigError

# If neither $VISUAL nor $EDITOR is set: what the system calls its editor, then the easy ones.
_EDITORS = ("sensible-editor", "nano", "vim", "vi")


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    def action(name: str, run: Callable[[argparse.Namespace], None], text: str, more: str = ""):  # type: ignore[no-untyped-def]
        command = actions.add_parser(
            name, help=text, description=f"{text[:1].upper()}{text[1:]}.{more}"
        )
        command.set_defaults(run=run)
        return command

    path = action("path", _path, "print the path of the file, whether it exists or not")
    init = action("init", _init, "write the documented default file, and its schema beside it")
    check = action("check", _check, "read the file and name every mistake with its line")
    show = action("show", _show, "print what is in force, and where each value comes from")
    edit = action(
        "edit",
        _edit,
        "open the file in your editor and check it afterwards",
        " The editor is $VISUAL, else $EDITOR, else one that is installed. A running service reads "
        "what you save at once.",
    )
    action("schema", _schema, "print the JSON Schema of the file")
    for command in (path, init, edit):
        add_config_option(command, "another file")
    init.add_argument("--force", action="store_true", help="overwrite an existing file")
    check.add_argument(
        "file", nargs="?", type=file_path, help="the file, if it is not the usual one"
    )
    for command in (check, show):
        add_settings_options(command)
    show.add_argument("--json", action="store_true", help="for programs")


def _path(arguments: argparse.Namespace) -> None:
    say(str(_file(arguments)))


def _init(arguments: argparse.Namespace) -> None:
    from sdcam.settings.default_file import create

    path = _file(arguments)
    if (path.exists() or path.is_symlink()) and not arguments.force:
        raise UsageError(
            f"{path} exists already.",
            "`sdcam config edit` opens it; --force overwrites it with the default.",
        )
    with interruptible():
        create(path)
    say(f"Wrote {path}: every key with its default. `sdcam config edit` opens it.")


def _check(arguments: argparse.Namespace) -> None:
    from sdcam.service.wanted_model import require_model
    from sdcam.settings import ConfigError

    arguments.config = arguments.file or arguments.config
    path = _file(arguments)
    try:
        sources = sources_from(arguments)
        require_model(sources.settings(), sources)
    except ConfigError as error:
        for issue in error.issues:
            warn(str(issue))
        raise UsageError(_counts(error), error.todo or _todo(error)) from None
    say(f"OK: {path} is right." if path.exists() else f"OK: no {path}, so all defaults.")


def _counts(error: ConfigError) -> str:
    """ "config.toml: 2 mistakes; command line: 1 mistake." """
    places = Counter(str(i.origin.file or i.origin.source.value) for i in error.issues)
    counts = (f"{place}: {n} mistake{'s' if n > 1 else ''}" for place, n in places.items())
    return f"{'; '.join(counts)}."


def _todo(error: ConfigError) -> str:
    in_file = any(issue.origin.file for issue in error.issues)
    more = "; a running service keeps what it read last" if in_file else ""
    return f"Fix what is named above{more}."


def _show(arguments: argparse.Namespace) -> None:
    from sdcam.cli.config_show import as_json, as_toml

    sources = sources_from(arguments)
    if arguments.json:
        print(as_json(sources), end="")
        return
    for row in as_toml(sources).splitlines():
        text, mark, origin = row.rpartition(" # ")
        line(text, (mark + origin, "dim" if mark else "bold"))  # a section has no origin


def _edit(arguments: argparse.Namespace) -> None:
    from sdcam.settings.default_file import create

    path = _file(arguments)
    if not path.exists():
        create(path)
    editor = _editor()
    try:
        with left_to_the_child():
            code = subprocess.run([*editor, str(path)], check=False).returncode
    except OSError as error:
        raise UsageError(
            f"The editor {editor[0]} cannot be started: {error.strerror}.",
            "Set VISUAL or EDITOR to one that is installed.",
        ) from None
    _check(argparse.Namespace(config=path, file=None, set=[]))  # it may have written even so
    if code:
        raise SdcamError(f"The editor ended with exit code {code}.", f"Look into {path}.")


def _editor() -> list[str]:
    """
    Raises:
        UsageError: there is no editor, or the variable that names it has an open quotation.
    """
    for variable in ("VISUAL", "EDITOR"):
        if command := os.environ.get(variable, "").strip():
            try:
                return shlex.split(command)
            except ValueError as error:
                raise UsageError(
                    f"{variable} = {command!r}: {error}.", "Fix the variable."
                ) from None
    if sys.platform == "darwin":
        return ["open", "-t", "-W"]  # waits until the user's text editor is closed
    for name in _EDITORS:
        if found := shutil.which(name):
            return [found]
    raise UsageError("No editor was found.", "Set VISUAL or EDITOR to the one that you use.")


def _schema(arguments: argparse.Namespace) -> None:
    from sdcam.settings.default_file import schema_text

    print(schema_text(), end="")


def _file(arguments: argparse.Namespace) -> Path:
    from sdcam import paths

    file: Path | None = arguments.config
    return file or paths.config_file()
