"""`sdcam run`: the service in the foreground."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from typing import TYPE_CHECKING, Any

from sdcam.cli import STARTED_NS
from sdcam.cli.options import add_settings_options, overrides_from
from sdcam.errors import SdcamError, UsageError

if TYPE_CHECKING:
    from sdcam.service.configuration import Configuration
    from sdcam.service.notify import Notifier
    from sdcam.service.run_plan import RunPlan

_AGAIN_SECONDS = 30


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
    if arguments.service:
        _as_a_service(arguments, overrides)
        return
    from sdcam.cli.summary import table
    from sdcam.service.configuration import Configuration
    from sdcam.service.daemon import Daemon
    from sdcam.service.log import start_logging
    from sdcam.service.notify import Notifier

    configuration = Configuration.read(arguments.config, overrides)
    start_logging(configuration.settings.service.log_level)
    plan = _plan(arguments, configuration, Notifier.from_environment())
    summary = Daemon(plan).run()
    if arguments.json:
        print(json.dumps(summary))
    else:
        print(table(summary), file=sys.stderr)


def _as_a_service(arguments: argparse.Namespace, overrides: dict[str, Any]) -> None:
    """Nobody reads an exit code, and launchd would start what ended with one again and again: even
    what ends a run at its very start is logged and waited for."""
    from sdcam.service.configuration import Configuration
    from sdcam.service.daemon import Daemon
    from sdcam.service.log import limit_stderr, start_logging, start_service_log
    from sdcam.service.notify import Notifier

    limit_stderr()
    start_logging("info")  # until it is known where the log lies
    log = logging.getLogger("sdcam.service")
    notifier = Notifier.from_environment()
    told = ""
    while True:
        try:
            configuration = Configuration.of_service(arguments.config, overrides)
            start_service_log(configuration.settings.service)
            Daemon(_plan(arguments, configuration, notifier)).run()
            return
        except SdcamError as fault:
            if str(fault) != told:  # else the log has it already
                told = str(fault)
                log.error("%s Trying again every %d seconds.", fault, _AGAIN_SECONDS)
            notifier.ready()  # it lives and waits; systemd would end what never gets ready
            notifier.status(str(fault))
            _rest(notifier)


def _rest(notifier: Notifier) -> None:
    """Sleeps, and says in between that it does."""
    until = time.monotonic() + _AGAIN_SECONDS
    while (left := until - time.monotonic()) > 0:
        notifier.alive()
        time.sleep(min(left, notifier.interval_seconds or left))


def _plan(
    arguments: argparse.Namespace, configuration: Configuration, notifier: Notifier
) -> RunPlan:
    from sdcam.service.run_plan import RunPlan

    return RunPlan(
        configuration,
        source=arguments.source,
        outputs=tuple(arguments.output or ["virtual-camera"]),
        once=arguments.once,
        seconds=arguments.seconds,
        frames=arguments.frames,
        patient=arguments.service,
        notifier=notifier,
        started_ns=STARTED_NS,
    )


def _positive(kind: type[int] | type[float]):  # type: ignore[no-untyped-def]
    def parse(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    parse.__name__ = kind.__name__
    return parse
