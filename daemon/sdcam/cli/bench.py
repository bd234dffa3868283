"""`sdcam bench`: how fast this machine runs a model, in every way that it can run it."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from sdcam.cli.options import add_model_options, add_settings_options, settings_from
from sdcam.cli.terminal import interruptible, say, table, warn

if TYPE_CHECKING:
    from sdcam.workers.benchmark import Benchmark


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    add_settings_options(parser)
    add_model_options(parser)
    parser.add_argument(
        "--seconds", type=float, default=5.0, metavar="N", help="for each way (default: 5)"
    )
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    settings = settings_from(arguments, model__name=arguments.model, model__engine=arguments.engine)
    from sdcam.engines.choice import remember, ways_to_run
    from sdcam.engines.plan import ModelSpec
    from sdcam.workers.benchmark import benchmark

    spec = ModelSpec.of(settings)
    trials = []
    for plan in ways_to_run(spec):
        warn(f"{plan.label}: {arguments.seconds:g} seconds ...")
        with interruptible("The measurement was interrupted.", "Nothing is remembered."):
            trials.append(benchmark(plan, arguments.seconds))
    kept = remember(spec, {trial.plan.label: trial.fps for trial in trials})
    results = [_result(trial) for trial in trials]
    if arguments.json:
        print(json.dumps({"model": spec.name, "ways": results, "remembered": kept}))
        return
    table(_rows(results), right=(1, 2))
    if kept:
        say(f"\nFrom now on `auto` takes the fastest one ({kept}).")


def _result(trial: Benchmark) -> dict[str, Any]:
    latency = trial.latency.percentiles(50, 99)
    return {
        "way": trial.plan.label,
        "fps": round(trial.fps, 1),
        "latency_ms": {"p50": round(latency[0], 1), "p99": round(latency[1], 1)},
        "stages_ms": {
            name: round(times.percentiles(50)[0], 1) for name, times in trial.stages.items()
        },
    }


def _rows(results: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    best = max(results, key=lambda result: float(result["fps"]))
    rows = [("", "fps", "latency", "stages (ms)")]
    for result in results:
        mark = "*" if result is best and len(results) > 1 else " "
        rows.append(
            (
                f"{mark} {result['way']}",
                f"{result['fps']:.1f}",
                f"{result['latency_ms']['p50']:.1f} ms",
                "  ".join(f"{name} {ms}" for name, ms in result["stages_ms"].items()),
            )
        )
    return rows
