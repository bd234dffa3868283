"""`sdcam config`: where the configuration lies, whether it is right, what is in force."""

from __future__ import annotations

import argparse

from sdcam.cli.options import add_settings_options, settings_from


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for action, text in {
        "path": "where the file lies, or would",
        "check": "read it and say whether it is right",
        "show": "what is in force, as TOML",
    }.items():
        command = actions.add_parser(action, help=text)
        add_settings_options(command)
        command.set_defaults(run=run, action=action)


def run(arguments: argparse.Namespace) -> None:
    from sdcam import paths

    path = arguments.config or paths.config_file()
    if arguments.action == "path":
        print(path)
        return
    settings = settings_from(arguments)
    if arguments.action == "check":
        print(f"{path} is right." if path.exists() else f"{path} does not exist: all defaults.")
        return
    import tomlkit

    print(tomlkit.dumps(settings.model_dump(mode="json")), end="")
