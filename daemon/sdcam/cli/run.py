"""`sdcam run`: the service in the foreground; `sdcam run --service`: as launchd and systemd start
it."""

from __future__ import annotations

import argparse
import json
import logging
import time
from typing import TYPE_CHECKING, Any

from sdcam.cli import STARTED_NS
from sdcam.cli.options import add_model_options, add_settings_options, overrides_from
from sdcam.cli.terminal import warn
from sdcam.errors import SdcamError, UsageError

if TYPE_CHECKING:
    from sdcam.service.configuration import Configuration
    from sdcam.service.notify import Notifier
    from sdcam.service.run_plan import RunPlan
    from sdcam.workers.child import Child

_RETRY_SECONDS = 30


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
    add_model_options(parser)
    parser.add_argument("--prompt", metavar="TEXT", help="what to paint, or the name of a style")
    parser.add_argument("--once", action="store_true", help="end with the file that is the source")
    parser.add_argument(
        "--seconds", type=_positive(float), metavar="N", help="end after N seconds of picture"
    )
    parser.add_argument("--frames", type=_positive(int), metavar="N", help="end after N frames out")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    # For launchd and systemd: logs into a file, and waits for what is missing.
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
    from sdcam.workers.prestart import prestart_model

    # Not for a service: a process that starts before the log is open has no crash file.
    model_process = prestart_model()
    try:
        _in_the_foreground(arguments, overrides, model_process)
    finally:
        if model_process is not None:
            model_process.stop(0.0)


def _in_the_foreground(
    arguments: argparse.Namespace, overrides: dict[str, Any], model_process: Child | None
) -> None:
    from sdcam.service.configuration import Configuration
    from sdcam.service.daemon import Daemon
    from sdcam.service.log import start_logging
    from sdcam.service.notify import Notifier

    configuration = Configuration.read(arguments.config, overrides)
    start_logging(configuration.settings.service.log_level)
    plan = _plan(arguments, configuration, Notifier.from_environment(), model_process)
    summary = Daemon(plan).run()
    if arguments.json:
        print(json.dumps(summary))
    else:
        warn(summary_text(summary))


def _as_a_service(arguments: argparse.Namespace, overrides: dict[str, Any]) -> None:
    """Logs even a fault at the very start, and tries again: nobody reads an exit code, and launchd
    would start a service that ends with one again and again."""
    from sdcam.service.configuration import Configuration
    from sdcam.service.daemon import Daemon
    from sdcam.service.log import limit_stderr, start_logging, start_service_log
    from sdcam.service.notify import Notifier

    limit_stderr()
    start_logging("info")  # until the configuration says where the log is
    log = logging.getLogger("sdcam.service")
    notifier = Notifier.from_environment()
    logged = ""
    while True:
        try:
            configuration = Configuration.of_service(arguments.config, overrides)
            start_service_log(configuration.settings.service)
            Daemon(_plan(arguments, configuration, notifier)).run()
            return
        except SdcamError as fault:
            if str(fault) != logged:
                logged = str(fault)
                log.error("%s Trying again every %d seconds.", fault, _RETRY_SECONDS)
            notifier.ready()  # systemd would end a service that does not get ready
            notifier.status(str(fault))
            _rest(notifier)


def _rest(notifier: Notifier) -> None:
    """Sleeps until the next try, and feeds the watchdog meanwhile."""
    until = time.monotonic() + _RETRY_SECONDS
    while (left := until - time.monotonic()) > 0:
        notifier.alive()
        time.sleep(min(left, notifier.interval_seconds or left))


def _plan(
    arguments: argparse.Namespace,
    configuration: Configuration,
    notifier: Notifier,
    model_process: Child | None = None,
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
        model_process=model_process,
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


def summary_text(summary: dict[str, Any]) -> str:
    """`summary` as `Daemon.run` returns it, as lines for people."""
    frames, fps = summary["frames"], summary["fps_average"]
    latency, gap, stages = summary["latency_ms"], summary["gap_ms"], summary["stages_ms"]
    model = summary["model"]
    first = summary["first_picture_after_seconds"]
    rows = {
        "model": f"{model['name']} on {model['runtime']}, {model['size']}",
        "first styled frame": f"after {first:.2f} s" if first else "never",
        "captured": f"{frames['captured']:6d} frames   {fps['camera']:5.1f} fps",
        "styled": f"{frames['styled']:6d} frames   {fps['model']:5.1f} fps",
        "sent": f"{frames['sent']:6d} frames   {fps['output']:5.1f} fps",
        "skipped": f"{frames['skipped']:6d} frames   (the model was busy)",
    }
    for name, why in {
        "reused": "nothing had changed",
        "dropped": "a process ended while it had them",
        "late": "the output missed its time",
    }.items():
        if frames[name]:
            rows[name] = f"{frames[name]:6d} frames   ({why})"
    rows |= {
        "latency": "   ".join(f"{k} {latency[k]:5.1f} ms" for k in ("p50", "p95", "p99")),
        "output gap": "   ".join(f"{k} {gap[k]:5.1f} ms" for k in ("p50", "p99", "max")),
        "stages": "   ".join(f"{name} {ms:.1f}" for name, ms in stages.items()) + "   ms",
    }
    width = max(map(len, rows))
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in rows.items())
