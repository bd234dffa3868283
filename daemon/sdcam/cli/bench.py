"""`sdcam bench`: what this machine makes of a model, in every way that it can run it."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from sdcam.cli.options import add_settings_options, settings_from

if TYPE_CHECKING:
    from sdcam.workers.benchmark import Benchmark


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    add_settings_options(parser)
    parser.add_argument("--model", metavar="NAME", help="model name, diffusers folder or bundle")
    parser.add_argument("--engine", metavar="NAME", help="what runs the networks")
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
        print(f"{plan.label}: {arguments.seconds:g} seconds ...", file=sys.stderr)
        trials.append(benchmark(plan, arguments.seconds))
    kept = remember(spec, {trial.plan.label: trial.fps for trial in trials})
    results = [_result(trial) for trial in trials]
    if arguments.json:
        print(json.dumps({"model": spec.name, "ways": results, "remembered": kept}))
        return
    print(_table(results))
    if kept:
        print(f"\nThe fastest one is what `auto` takes from now on ({kept}).")


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


def _table(results: list[dict[str, Any]]) -> str:
    width = max(len(result["way"]) for result in results)
    best = max(results, key=lambda result: float(result["fps"]))
    lines = [f"  {'':{width}}  {'fps':>5}  {'latency':>8}  stages (ms)"]
    for result in results:
        stages = "  ".join(f"{name} {ms}" for name, ms in result["stages_ms"].items())
        latency = f"{result['latency_ms']['p50']:.1f} ms"
        mark = "*" if result is best and len(results) > 1 else " "
        lines.append(
            f"{mark} {result['way']:{width}}  {result['fps']:5.1f}  {latency:>8}  {stages}"
        )
    return "\n".join(lines)
