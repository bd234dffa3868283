"""Core ML: whether its numbers agree with PyTorch's, and how fast each layout and unit is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from verify_mac.mac import Done, Mac
from verify_mac.step import Result, Step, failed, passed, skipped

_TINY = Path("tests") / "data" / "tiny-model"
_BIG = "sdxs-512"
_UNITS = ("cpu-only", "cpu-and-gpu", "cpu-and-ne", "all")
_HOUR = 3600.0
_QUICK_SECONDS = 3.0


def tiny_bundle(mac: Mac) -> Path:
    return mac.work / "tiny"


def pocket_bundle(mac: Mac) -> Path:
    return mac.work / "pocket"


def judge_parity(done: Done) -> Result:
    """What `sdcam models verify --json` says."""
    told = done.json()
    if not isinstance(told, dict) or "outputs" not in told:
        return failed(f"It could not be compared: {done.last_line}", done.said)
    lines = [
        f"{o['program']:15} {o['output']:14} {_number(o['relative_l2'])} gate {o['gate']} "
        f"{'pass' if o['passed'] else 'FAIL'}  {o['input']}"
        for o in told["outputs"]
    ]
    evidence = "\n".join([told["runtime"], *lines, *map(str, told["graph"])])
    wrong = [f"{o['program']} {o['output']}" for o in told["outputs"] if not o["passed"]]
    if wrong or not told["passed"]:
        return failed(f"Outside their gates: {', '.join(wrong) or 'the graph'}.", evidence)
    if "core" not in told["runtime"].lower():
        return failed(f"{told['runtime']} computed, not Core ML.", evidence)
    worst = max(o["relative_l2"] for o in told["outputs"])
    return passed(f"{len(lines)} outputs, largest relative L2 {worst:.1e}.", evidence)


def judge_layouts(done: Done) -> Result:
    """What `sdcam bench --json` says."""
    told = done.json()
    if not isinstance(told, dict):
        return failed(f"No measurement: {done.last_line}", done.said)
    rates = {way["way"]: way["fps"] for way in told["ways"]}
    sentence = ", ".join(f"{way} {fps} fps" for way, fps in rates.items())
    evidence = json.dumps(told, indent=1)
    lacking = [w for w in ("fused", "staged") if not any(w in way for way in rates)]
    if lacking or not all(rates.values()):
        return failed(f"Not every layout runs: {sentence or 'none'}.", evidence)
    if not told["remembered"]:
        return failed(f"{sentence}; the fastest one is not remembered.", evidence)
    return passed(f"{sentence}; remembered.", evidence)


def judge_starts(first: Done, second: Done) -> Result:
    """Two runs with --json: compiled programs have to be reused, and the JSON complete."""
    evidence = f"{first.said}\n{second.said}"
    seconds: list[float] = []
    for done in (first, second):
        told = done.json()
        if not done.ok or not isinstance(told, dict) or not told.get("frames", {}).get("styled"):
            return failed(f"No summary, or no picture: {done.last_line}", evidence)
        seconds.append(told["first_picture_after_seconds"])
    sentence = f"The first picture after {seconds[0]:.1f} s, then after {seconds[1]:.1f} s."
    quicker = seconds[1] < seconds[0] or seconds[1] < _QUICK_SECONDS  # compiled by an earlier run
    return (passed if quicker else failed)(sentence, evidence)


def _number(value: Any) -> str:
    return "none" if value is None else f"{value:.1e}"


def _converted(mac: Mac, model: str | Path, bundle: Path, *more: str) -> Result | None:
    """Converts a model; None if the bundle is there, else why it is not."""
    if bundle.exists():
        return None
    words = ("models", "convert", model, "--to", "coreml", "--layout", "all", "--out", bundle)
    done = mac.sdcam(*words, *more, seconds=_HOUR)
    return None if done.ok else failed(f"It could not be converted: {done.last_line}", done.said)


def _tiny(mac: Mac) -> Result:
    fault = _converted(mac, mac.root / _TINY, tiny_bundle(mac), "--size", "320")
    return fault or judge_parity(
        mac.sdcam("models", "verify", tiny_bundle(mac), "--json", seconds=_HOUR)
    )


def _pocket(mac: Mac) -> Result:
    fault = _converted(mac, "pocket", pocket_bundle(mac), "--size", "320")
    return fault or judge_parity(
        mac.sdcam("models", "verify", pocket_bundle(mac), "--json", seconds=_HOUR)
    )


def _big(mac: Mac) -> Result:
    asked = f"from sdcam.models import find_model; print(find_model('{_BIG}').path)"
    if not mac.python("-c", asked).ok:
        return skipped(f"{_BIG} is not here: `sdcam models pull {_BIG}`, then again.")
    bundle = mac.work / "big"
    fault = _converted(mac, _BIG, bundle)
    return fault or judge_parity(mac.sdcam("models", "verify", bundle, "--json", seconds=_HOUR))


def _layouts(mac: Mac) -> Result:
    words = ("bench", "--engine", "coreml", "--model", pocket_bundle(mac), "--json")
    return judge_layouts(mac.sdcam(*words, seconds=900))


def _units(mac: Mac) -> Result:
    rates: dict[str, float] = {}
    told = []
    for units in _UNITS:
        words = ("bench", "--engine", "coreml:fused", "--model", pocket_bundle(mac), "--json")
        done = mac.sdcam(*words, "--set", f'coreml.fused="{units}"', seconds=300)
        told.append(f"{units}: {done.said}")
        result = done.json()
        rates[units] = result["ways"][0]["fps"] if result and result["ways"] else 0.0
    sentence = ", ".join(f"{units} {fps} fps" for units, fps in rates.items())
    return (passed if all(rates.values()) else failed)(sentence, "\n".join(told))


def _starts(mac: Mac) -> Result:
    """The tiny model, which no step has run yet, so the first start compiles it."""
    words = ("run", "--engine", "coreml:fused", "--model", tiny_bundle(mac), "--source", "test")
    runs = [
        mac.sdcam(*words, "--output", "null", "--seconds", "5", "--json", seconds=180)
        for _ in range(2)
    ]
    return judge_starts(*runs)


STEPS = (
    Step(
        "parity-tiny",
        "Converts the tiny model of the tests and compares Core ML with PyTorch.",
        "every output of every program is within its gate.",
        _tiny,
        row="coreml-tiny",
        needs=("install",),
    ),
    Step(
        "parity-pocket",
        "The same with the embedded model, 320x320, all layouts.",
        "every output of every program is within its gate.",
        _pocket,
        row="coreml-pocket",
        needs=("install",),
    ),
    Step(
        "parity-sdxs",
        f"The same with {_BIG} at 512x512, where it was pulled.",
        "every output of every program is within its gate.",
        _big,
        row="coreml-sdxs",
        needs=("install",),
    ),
    Step(
        "layouts",
        "Measures the embedded model fused and staged with `sdcam bench`.",
        "both run, and the fastest is remembered for `auto`.",
        _layouts,
        row="coreml-layouts",
        needs=("parity-pocket",),
    ),
    Step(
        "units",
        "Measures the fused embedded model on each set of processors.",
        "it runs on each of them; the numbers are the result.",
        _units,
        row="coreml-units",
        needs=("parity-pocket",),
    ),
    Step(
        "compiled-once",
        "Runs the fused tiny model twice with --json.",
        "the second start is quicker, and the JSON is whole both times.",
        _starts,
        row="coreml-cache",
        needs=("parity-tiny",),
    ),
)
