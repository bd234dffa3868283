"""`sdcam status`: what the running service does, once or again and again."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sdcam.cli import terminal
from sdcam.cli.options import add_config_option
from sdcam.cli.terminal import Cell
from sdcam.control.client import ask, socket_address
from sdcam.errors import MissingError, SdcamError

Row = tuple[str, Cell]
_STATES = {"running": "green", "fault": "red"}
_FRAMES = ("captured", "styled", "sent", "reused", "skipped", "dropped", "late")


def configure(parser: argparse.ArgumentParser, name: str) -> None:
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    parser.add_argument("--watch", action="store_true", help="again and again, until Ctrl-C")
    parser.add_argument(
        "--interval",
        type=_seconds,
        default=1.0,
        metavar="SECONDS",
        help="of --watch, 0.1 to 3600 (default: 1)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    if arguments.watch:
        # Ctrl-C is the way to end it, and no fault.
        with terminal.interruptible():
            try:
                _watch(arguments)
            except KeyboardInterrupt:
                return
    try:
        status = ask(socket_address(arguments.config), "status")
    except SdcamError as error:
        if arguments.json:
            print(json.dumps(_away(str(error)), indent=2))
        raise
    if arguments.json:
        print(json.dumps(status, indent=2))
    else:
        terminal.pairs(rows_of(status))


def _watch(arguments: argparse.Namespace) -> None:
    """Waits for a service that goes away."""
    answers = _answers(arguments.config, arguments.interval)
    if arguments.json:
        for status, trouble in answers:
            print(json.dumps(status or _away(trouble)), flush=True)
    elif terminal.is_terminal() and os.environ.get("TERM") != "dumb":
        terminal.watch(_pages(answers))
    else:
        for page in _pages(answers):
            terminal.pairs(page)
            terminal.say()


def _answers(config: Path | None, interval: float) -> Iterator[tuple[dict[str, Any] | None, str]]:
    """The status, or why there is none, each `interval` seconds."""
    while True:
        try:  # with the address of now: the file may change
            yield ask(socket_address(config), "status"), ""
        except MissingError:
            yield None, "StreamDiffusion Cam is not running. Waiting for it."
        except SdcamError as error:
            yield None, f"{error} Waiting for it."
        time.sleep(interval)


def _pages(answers: Iterator[tuple[dict[str, Any] | None, str]]) -> Iterator[list[Row]]:
    for status, trouble in answers:
        yield rows_of(status) if status else [(time.strftime("%H:%M:%S"), trouble)]


def _away(trouble: str) -> dict[str, str]:
    return {"state": "away", "error": trouble}


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds between 0.1 and 3600")
    return value


def rows_of(status: Mapping[str, Any]) -> list[Row]:
    """The status for people, one subject a line. What a service of another version does not tell
    is left out."""
    state = str(status.get("state", "unknown"))
    card = f', showing the card "{status["card"]}"' if status.get("card") else ""
    rows: list[Row] = [
        ("state", (state + card, _STATES.get(state, "yellow"))),
        ("up", " ".join(filter(None, (_duration(status.get("seconds")), _version(status))))),
        ("prompt", _prompt(_table(status, "look"))),
        *_model(_table(status, "model")),
        ("camera", _source(_table(status, "source"))),
        ("output", _outputs(status)),
        ("watched by", _watchers(status.get("watchers"))),
        ("fps", _numbers(_table(status, "fps"), "{:.1f}")),
        ("latency", _numbers(_table(status, "latency_ms"), "{:.1f} ms")),
        ("stages", _numbers(_table(status, "stages_ms"), "{:.1f}", " ms")),
        ("frames", _frames(_table(status, "frames"))),
        ("restarts", _numbers(_table(status, "restarts"), "{:d}")),
        *_processes(_table(status, "processes")),
        *_faults(status),
        *_config(_table(status, "config")),
    ]
    return [row for row in rows if row[1]]


def _table(status: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = status.get(name)
    return found if isinstance(found, Mapping) else {}


def _version(status: Mapping[str, Any]) -> str:
    return f"(version {status['version']})" if status.get("version") else ""


def _prompt(look: Mapping[str, Any]) -> str:
    prompt, text = look.get("prompt", ""), look.get("prompt_text", "")
    return str(prompt) if text in ("", prompt) else f"{prompt}: {text}"


def _model(model: Mapping[str, Any]) -> list[Row]:
    engine = " on ".join(str(model[k]) for k in ("engine", "runtime") if model.get(k))
    name = ", ".join(str(model[k]) for k in ("name", "size") if model.get(k))
    return [("model", name), ("engine", engine)]


def _source(source: Mapping[str, Any]) -> str:
    if source.get("open") is False:
        return ", ".join(filter(None, (source.get("name"), "closed")))
    fps = f"{source['fps']:g} fps" if source.get("fps") else ""
    return ", ".join(filter(None, (source.get("name"), source.get("size"), fps)))


def _outputs(status: Mapping[str, Any]) -> str:
    sinks = _table(status, "sinks")
    shown = []
    for name in status.get("outputs") or ():
        report = sinks.get(name) or {}
        measured = [f"{report['send_ms']:g} ms a frame"] if report.get("send_ms") else []
        measured += [f"{report['late']:g} late"] if report.get("late") else []
        shown.append(f"{name} ({', '.join(measured)})" if measured else str(name))
    return ", ".join(shown) or "none"


def _watchers(watchers: list[str] | None) -> str:
    """None is unknown."""
    return "" if watchers is None else ", ".join(map(str, watchers)) or "nobody"


def _numbers(values: Mapping[str, Any], form: str, unit: str = "") -> str:
    shown = [f"{name} {form.format(value)}" for name, value in values.items() if value is not None]
    return "   ".join(shown) + (unit if shown else "")


def _frames(frames: Mapping[str, Any]) -> str:
    """The usual counts in their order, then the others."""
    names = [n for n in _FRAMES if n in frames] + [n for n in frames if n not in _FRAMES]
    return "   ".join(f"{name} {frames[name]}" for name in names)


def _processes(processes: Mapping[str, Any]) -> list[Row]:
    """Memory, and CPU as a share of one core."""
    if not processes:
        return []
    sums = {
        key: sum(float(each.get(key, 0.0)) for each in processes.values())
        for key in ("memory_mb", "cpu_percent")
    }
    width = max(map(len, (*processes, "together")))
    texts = [
        f"{name:<{width}}  {each.get('memory_mb', 0.0):7.0f} MB "
        f"{each.get('cpu_percent', 0.0):5.1f} % CPU"
        + (f"   pid {each['pid']}" if "pid" in each else "")
        for name, each in {**processes, "together": sums}.items()
    ]
    return list(zip(["processes", *[""] * len(processes)], texts, strict=True))


def _faults(status: Mapping[str, Any]) -> list[Row]:
    faults = _table(status, "faults")
    rows: list[Row] = [(f"{part} fault", (str(text), "red")) for part, text in faults.items()]
    for subject, text in _table(status, "notices").items():
        rows.append((f"{subject} notice", (str(text), "yellow")))
    if status.get("last_fault") and not faults:
        rows.append(("last fault", str(status["last_fault"])))
    return rows


def _config(config: Mapping[str, Any]) -> list[Row]:
    """The file, what is wrong with it, and which keys wait for a restart."""
    rows: list[Row] = [("config", str(config.get("file") or ""))]
    if error := config.get("error"):
        for mistake in error["mistakes"]:
            rows.append(("config fault", (str(mistake["message"]), "red")))
    if waiting := config.get("restart"):
        keys = ", ".join(str(key) for key in waiting)
        rows.append(("config", (f"{keys}: after `sdcam service restart`", "yellow")))
    return rows


def _duration(seconds: Any) -> str:
    if not isinstance(seconds, (int, float)):
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{seconds:.1f} s"
