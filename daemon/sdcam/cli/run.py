"""`sdcam run`: the service in the foreground."""

from __future__ import annotations

import argparse
import json
import logging
import sys

from sdcam.cli import STARTED_NS
from sdcam.cli.options import add_settings_options, overrides_from
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
    # For launchd and systemd: a log file, and what is missing is waited for.
    parser.add_argument("--service", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    overrides = overrides_from(
        arguments,
        look__prompt=arguments.prompt,
        model__name=arguments.model,
        model__engine=arguments.engine,
    )
    if arguments.once and not arguments.source.startswith("file:"):
        raise UsageError("--once goes with a file source.", "Give --source file:PATH.")
    from sdcam.cli.summary import table
    from sdcam.service import Daemon, RunPlan
    from sdcam.service.configuration import Configuration
    from sdcam.service.log import start_logging, start_service_log

    service = arguments.service
    read = Configuration.of_service if service else Configuration.read
    configuration = read(arguments.config, overrides)
    settings = configuration.settings
    if service:
        start_service_log(settings.service)
        if configuration.error:
            logging.getLogger("sdcam.service").warning("%s", configuration.error)
    else:
        start_logging(settings.service.log_level)
    plan = RunPlan(
        configuration,
        source=arguments.source,
        outputs=tuple(arguments.output or ["virtual-camera"]),
        once=arguments.once,
        seconds=arguments.seconds,
        frames=arguments.frames,
        patient=service,
        started_ns=STARTED_NS,
    )
    summary = Daemon(plan).run()
    if service:
        return
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
