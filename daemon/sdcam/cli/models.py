"""`sdcam models`: what can be run and where it lies."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    actions = parser.add_subparsers(metavar="ACTION")
    actions.add_parser("list", help="list the models and where they lie (the default)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from sdcam.errors import SdcamError
    from sdcam.models import find_model
    from sdcam.models.registry import installed_models, models_folder

    for name in installed_models():
        try:
            model = find_model(name)
        except SdcamError as fault:
            print(f"{name:<12} cannot be run: {fault}")
            continue
        chosen = '   (what "auto" takes)' if model == find_model("auto") else ""
        print(f"{name:<12} {model.path}{chosen}")
    print(f"Others go into {models_folder()}, or are named by their path.")
