"""`sdcam cameras`: what there is, and which one `auto` takes."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    from sdcam.capture import describe_cameras

    print(describe_cameras())
