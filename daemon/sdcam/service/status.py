"""The state of the service as plain data, for `sdcam status` and `--json`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sdcam import __version__
from sdcam.workers.meters import Distribution

if TYPE_CHECKING:
    from sdcam.service.daemon import Daemon

_KEEP_SECONDS = 1.0


def status_of(daemon: Daemon) -> dict[str, Any]:
    """Times in milliseconds unless the name says otherwise, rates a second, memory in MB."""
    capture, inference, output = daemon.capture, daemon.inference, daemon.output
    settings, health = daemon.settings, daemon.health
    spec, source = inference.spec, capture.info
    started = daemon.plan.started_ns
    first = output.first_picture_ns
    # Before the faults, so that a restart that is counted here has its fault there.
    restarts = {
        "capture": capture.restarts,
        "model": inference.all_restarts,
        "output": sum(sink.restarts for sink in output.sinks),
    }
    return {
        "version": __version__,
        "config": daemon.configuration.status(),
        "state": health.state.value,
        "card": output.showing,
        "faults": {part: str(fault) for part, fault in dict(health.faults).items()},
        "notices": {subject: str(text) for subject, text in dict(health.notices).items()},
        "last_fault": str(health.last_fault) if health.last_fault else None,
        "seconds": round((time.monotonic_ns() - started) / 1e9, 2),
        "first_picture_after_seconds": round((first - started) / 1e9, 3) if first else None,
        "look": {
            **settings.look.model_dump(mode="json"),
            "prompt_text": settings.prompt_text(),
            "prompt_in_force": daemon.look.prompt_on_air,
        },
        "model": {
            "engine": settings.model.engine,
            "name": spec.model if spec else settings.model.name,
            "runtime": spec.runtime if spec else None,
            "size": f"{spec.width}x{spec.height}" if spec else None,
        },
        "source": {
            "open": capture.is_open,
            "name": source.name if source else daemon.plan.source,
            "size": f"{source.width}x{source.height}" if source else None,
            "fps": round(source.fps, 2) if source else None,
        },
        "outputs": [sink.name for sink in output.sinks],
        "sinks": {sink.name: sink.status() for sink in output.sinks},
        "watchers": None if daemon.activity.watchers is None else list(daemon.activity.watchers),
        "frames": {
            "captured": capture.frames.count + capture.unread,
            "styled": inference.inferred.count,
            "reused": inference.reused,
            "skipped": inference.skipped + capture.unread,
            "dropped": inference.dropped,
            "sent": output.sent.count,
            "late": output.late,
        },
        "fps": {
            "camera": round(capture.frames.per_second(), 1),
            "model": round(inference.inferred.per_second(), 1),
            "output": round(output.sent.per_second(), 1),
        },
        "fps_average": {
            "camera": round(capture.frames.average(), 2),
            "model": round(inference.inferred.average(), 2),
            "output": round(output.sent.average(), 2),
        },
        "latency_ms": _percentiles(output.latency),
        "gap_ms": _percentiles(output.gaps),
        "stages_ms": {
            **{name: _median(times) for name, times in dict(inference.stages).items()},
            "compose": _median(output.compose_time),
        },
        "restarts": restarts,
        "processes": daemon.process_stats(daemon.pids()),
    }


def _percentiles(distribution: Distribution) -> dict[str, float]:
    names = ("p50", "p95", "p99", "max")
    return {
        name: round(value, 2)
        for name, value in zip(names, distribution.percentiles(50, 95, 99, 100), strict=True)
    }


def _median(distribution: Distribution) -> float:
    return round(distribution.percentiles(50)[0], 2)


class ProcessStats:
    """Memory and CPU of our processes. Asking takes tens of milliseconds, so answers are cached."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, float]] = {}
        self._asked = -_KEEP_SECONDS

    def __call__(self, pids: dict[str, int | None]) -> dict[str, dict[str, float]]:
        """Of the processes that are alive: {"pid", "memory_mb", "cpu_seconds", "cpu_percent"}.

        A process that the system tells nothing about has its pid alone. Shared pages, the frames
        among them, count in parts on Linux (PSS) and in full in each process elsewhere.
        `cpu_percent` is of one core, since the call before.
        """
        now = time.monotonic()
        known = {name: int(process["pid"]) for name, process in self._found.items()}
        alive = {name: pid for name, pid in pids.items() if pid is not None}
        if known != alive or now - self._asked > _KEEP_SECONDS:
            found = {name: _measure(pid) for name, pid in alive.items()}
            for name, process in found.items():
                self._add_cpu_percent(process, self._found.get(name, {}), now)
            self._found, self._asked = found, now
        return self._found

    def _add_cpu_percent(
        self, process: dict[str, float], before: dict[str, float], now: float
    ) -> None:
        age = process.pop("age_seconds", None)
        if age is None:
            return
        same = before.get("pid") == process["pid"] and "cpu_seconds" in before
        spent = process["cpu_seconds"] - (before["cpu_seconds"] if same else 0)
        since = now - self._asked if same else age
        process["cpu_percent"] = round(100 * spent / max(since, 1e-3), 1)


def _measure(pid: int) -> dict[str, float]:
    import psutil

    try:
        process = psutil.Process(pid)
        # macOS denies the full figures of other processes, and asking may hang (psutil#2885).
        ask = process.memory_full_info if psutil.LINUX else process.memory_info
        memory, cpu = ask(), process.cpu_times()
        age = time.time() - process.create_time()
    except psutil.Error:
        return {"pid": pid}
    return {
        "pid": pid,
        "memory_mb": round(getattr(memory, "pss", memory.rss) / 1e6, 1),
        "cpu_seconds": round(cpu.user + cpu.system, 2),
        "age_seconds": age,
    }
