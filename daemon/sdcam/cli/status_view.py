"""The status for people: one subject a line, and what a service of another version does not tell
is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Tone(str, Enum):
    PLAIN = ""
    GOOD = "\033[32m"
    WAITING = "\033[33m"
    BAD = "\033[31m"
    NAME = "\033[2m"


_END = "\033[0m"
# A prompt or a device name may hold anything; it must not steer the terminal.
_NO_CONTROL = dict.fromkeys([*range(32), *range(127, 160)], " ")
_TONES = {"running": Tone.GOOD, "fault": Tone.BAD}
_FRAMES = ("captured", "styled", "sent", "reused", "skipped", "dropped", "late")


@dataclass(frozen=True)
class Row:
    """`name` is empty in the second line of a subject."""

    name: str
    text: str
    tone: Tone = Tone.PLAIN


def rows_of(status: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> list[Row]:
    """
    Args:
        before: an earlier status, from which the load of the processes is reckoned.
    """
    state = str(status.get("state", "unknown"))
    card = f', showing the card "{status["card"]}"' if status.get("card") else ""
    rows = [
        Row("state", state + card, _TONES.get(state, Tone.WAITING)),
        Row("up", " ".join(filter(None, (_duration(status.get("seconds")), _version(status))))),
        Row("prompt", _prompt(_table(status, "look"))),
        *_model(_table(status, "model")),
        Row("camera", _source(_table(status, "source"))),
        Row("output", _outputs(status)),
        Row("watched by", _watchers(status.get("watchers"))),
        Row("fps", _numbers(_table(status, "fps"), "{:.1f}")),
        Row("latency", _numbers(_table(status, "latency_ms"), "{:.1f} ms")),
        Row("stages", _numbers(_table(status, "stages_ms"), "{:.1f}", " ms")),
        Row("frames", _frames(_table(status, "frames"))),
        Row("restarts", _numbers(_table(status, "restarts"), "{:d}")),
        *_processes(status, before),
        *_faults(status),
        *_config(_table(status, "config")),
    ]
    return [row for row in rows if row.text]


def rendered(rows: list[Row], colour: bool) -> str:
    width = max((len(row.name) for row in rows), default=0)
    return "\n".join(
        f"{_painted(f'{row.name:<{width}}', Tone.NAME, colour)}  "
        f"{_painted(row.text.translate(_NO_CONTROL), row.tone, colour)}"
        for row in rows
    )


def _painted(text: str, tone: Tone, colour: bool) -> str:
    return f"{tone.value}{text}{_END}" if colour and tone.value else text


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
    return [Row("model", name), Row("engine", engine)]


def _source(source: Mapping[str, Any]) -> str:
    if source.get("open") is False:
        return ", ".join(filter(None, (source.get("name"), "closed")))
    fps = f"{source['fps']:g} fps" if source.get("fps") else ""
    return ", ".join(filter(None, (source.get("name"), source.get("size"), fps)))


def _outputs(status: Mapping[str, Any]) -> str:
    sinks = _table(status, "sinks")
    told = []
    for name in status.get("outputs") or ():
        report = sinks.get(name) or {}
        measured = [f"{report['send_ms']:g} ms a frame"] if report.get("send_ms") else []
        measured += [f"{report['late']:g} late"] if report.get("late") else []
        told.append(f"{name} ({', '.join(measured)})" if measured else str(name))
    return ", ".join(told) or "none"


def _watchers(watchers: Any) -> str:
    """A list of programs, a number, True or False; None is not known."""
    if watchers is None:
        return ""
    if isinstance(watchers, bool):
        return "somebody" if watchers else "nobody"
    if isinstance(watchers, list):
        return ", ".join(str(watcher) for watcher in watchers) or "nobody"
    return str(watchers or "nobody")


def _numbers(values: Mapping[str, Any], form: str, unit: str = "") -> str:
    told = [f"{name} {form.format(value)}" for name, value in values.items() if value is not None]
    return "   ".join(told) + (unit if told else "")


def _frames(frames: Mapping[str, Any]) -> str:
    """The usual ones in their order, further ones behind."""
    names = [n for n in _FRAMES if n in frames] + [n for n in frames if n not in _FRAMES]
    return "   ".join(f"{name} {frames[name]}" for name in names)


def _processes(status: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[Row]:
    processes = _table(status, "processes")
    width = max((len(name) for name in processes), default=0)
    rows, memory, load = [], 0.0, 0.0
    for name, process in processes.items():
        percent = _load(name, status, before)
        memory += process.get("memory_mb", 0.0)
        load += percent or 0.0
        cpu = (
            f"{process.get('cpu_seconds', 0.0):8.1f} s of CPU"
            if percent is None
            else f"{percent:5.1f} % CPU"
        )
        pid, mb = process.get("pid", "?"), process.get("memory_mb", 0.0)
        rows.append(Row("", f"{name:<{width}}  {mb:7.0f} MB {cpu}   pid {pid}"))
    if not rows:
        return []
    together = f"{'together':<{width}}  {memory:7.0f} MB"
    if all(_load(name, status, before) is not None for name in processes):
        together += f" {load:5.1f} % CPU"
    rows.append(Row("", together))
    return [Row("processes", rows[0].text), *rows[1:]]


def _load(name: str, status: Mapping[str, Any], before: Mapping[str, Any] | None) -> float | None:
    """Percent of one core, as the service tells it, else since the earlier status."""
    now = _table(status, "processes")[name]
    if now.get("cpu_percent") is not None:
        return float(now["cpu_percent"])
    earlier = _table(before or {}, "processes").get(name)
    if earlier is None or earlier.get("pid") != now.get("pid"):
        return None
    seconds = status.get("seconds", 0.0) - (before or {}).get("seconds", 0.0)
    spent = now.get("cpu_seconds", 0.0) - earlier.get("cpu_seconds", 0.0)
    return 100.0 * float(spent) / float(seconds) if seconds > 0 else None


def _faults(status: Mapping[str, Any]) -> list[Row]:
    faults = _table(status, "faults")
    rows = [Row(f"{part} fault", str(text), Tone.BAD) for part, text in faults.items()]
    if status.get("last_fault") and not faults:
        rows.append(Row("last fault", str(status["last_fault"])))
    return rows


def _config(config: Mapping[str, Any]) -> list[Row]:
    """The file, what is wrong with it, and what waits in it for a restart."""
    rows = [Row("config", str(config.get("file") or ""))]
    if error := config.get("error"):
        mistakes = error.get("mistakes", []) if isinstance(error, Mapping) else [error]
        for mistake in mistakes:
            text = mistake.get("message") if isinstance(mistake, Mapping) else mistake
            rows.append(Row("config fault", str(text), Tone.BAD))
    if waiting := config.get("restart"):
        keys = ", ".join(str(key) for key in waiting)
        rows.append(Row("config", f"{keys}: after `sdcam service restart`", Tone.WAITING))
    return rows


def _duration(seconds: Any) -> str:
    if not isinstance(seconds, (int, float)):
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{seconds:.1f} s"
