"""`sdcam run`: the service in the foreground."""

from __future__ import annotations

import argparse
import json
import sys

from sdcam.cli import STARTED_NS
from sdcam.cli.options import add_settings_options, settings_from
from sdcam.errors import UsageError


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    add_settings_options(parser)
    parser.add_argument(
        "--source",
        default="camera",
        metavar="SPEC",
        help="camera, camera:NAME-or-index, file:PATH, image:PATH or test (default: camera)",
    )
    parser.add_argument(
        "--output",
        action="append",
        metavar="SPEC",
        help="virtual-camera, virtual-camera:DEVICE, file:PATH.mp4 or null; may be repeated "
        "(default: virtual-camera)",
    )
    parser.add_argument("--model", metavar="NAME", help="model name or diffusers folder")
    parser.add_argument("--engine", metavar="NAME", help="what runs the networks")
    parser.add_argument("--prompt", metavar="TEXT", help="what to paint, or the name of a style")
    parser.add_argument("--once", action="store_true", help="end with the file that is the source")
    parser.add_argument(
        "--seconds", type=_positive(float), metavar="N", help="end after N seconds of picture"
    )
    parser.add_argument("--frames", type=_positive(int), metavar="N", help="end after N frames out")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    settings = settings_from(
        arguments,
        look__prompt=arguments.prompt,
        model__name=arguments.model,
        model__engine=arguments.engine,
    )
    if arguments.once and not arguments.source.startswith("file:"):
        raise UsageError("--once goes with a file source.", "Give --source file:PATH.")
    from sdcam.cli.summary import table
    from sdcam.service import Daemon, RunPlan
    from sdcam.service.log import start_logging

    start_logging(settings.service.log_level)
    plan = RunPlan(
        settings,
        source=arguments.source,
        outputs=tuple(arguments.output or ["virtual-camera"]),
        once=arguments.once,
        seconds=arguments.seconds,
        frames=arguments.frames,
        started_ns=STARTED_NS,
    )
    summary = Daemon(plan).run()
    if arguments.json:
        print(json.dumps(summary))
    else:
        print(table(summary), file=sys.stderr)


def _positive(kind: type[int] | type[float]):  # type: ignore[no-untyped-def]
    def parse(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    parse.__name__ = kind.__name__
    return parse
