"""`sdcam models`: what can be run and where it lies."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    actions = parser.add_subparsers(metavar="ACTION")
    actions.add_parser("list", help="list the models and where they lie (the default)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from sdcam.models import describe_models

    print(describe_models())
