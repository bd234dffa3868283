"""Everything that the service knows of itself, as plain data for `sdcam status` and `--json`."""

from __future__ import annotations

import os
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
    settings, situation = daemon.settings, daemon.situation
    spec, source = inference.spec, capture.info
    started = daemon.plan.started_ns
    first = output.first_picture_ns
    # Before the faults are: a restart that is counted here has its reason there.
    restarts = {"capture": capture.restarts, "model": inference.restarts}
    return {
        "version": __version__,
        "config": daemon.configuration.status(),
        "state": situation.state.value,
        "card": output.showing,
        "faults": {part: str(fault) for part, fault in dict(situation.faults).items()},
        "last_fault": str(situation.last_fault) if situation.last_fault else None,
        "seconds": round((time.monotonic_ns() - started) / 1e9, 2),
        "first_picture_after_seconds": round((first - started) / 1e9, 3) if first else None,
        "look": {
            **settings.look.model_dump(mode="json"),
            "prompt_text": settings.prompt_text(),
            "prompt_in_force": inference.prompt,
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
        "outputs": output.names,
        "sinks": output.reports,
        "watchers": None if daemon.demand.watchers is None else list(daemon.demand.watchers),
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
        "processes": daemon.processes(
            {"daemon": os.getpid(), "capture": capture.pid, **inference.pids}
        ),
    }


def _percentiles(distribution: Distribution) -> dict[str, float]:
    names = ("p50", "p95", "p99", "max")
    return {
        name: round(value, 2)
        for name, value in zip(names, distribution.percentiles(50, 95, 99, 100), strict=True)
    }


def _median(distribution: Distribution) -> float:
    return round(distribution.percentiles(50)[0], 2)


class ProcessTable:
    """Memory and CPU of our processes. To ask takes tens of milliseconds, so answers are kept."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, float]] = {}
        self._asked = -_KEEP_SECONDS

    def __call__(self, pids: dict[str, int | None]) -> dict[str, dict[str, float]]:
        """Of those that are alive. Pages that processes share (the frames among them) count in
        parts on Linux (PSS), and in full in each process elsewhere. `cpu_percent` is of one core,
        since the question before."""
        now = time.monotonic()
        known = {name: int(process["pid"]) for name, process in self._found.items()}
        alive = {name: pid for name, pid in pids.items() if pid is not None}
        if known != alive or now - self._asked > _KEEP_SECONDS:
            found = {name: each for name, pid in alive.items() if (each := _measure(pid))}
            for name, process in found.items():
                before = self._found.get(name)
                same = before is not None and before["pid"] == process["pid"]
                spent = process["cpu_seconds"] - (before["cpu_seconds"] if before and same else 0)
                since = now - self._asked if same else process.pop("age_seconds")
                process.pop("age_seconds", None)
                process["cpu_percent"] = round(100 * spent / max(since, 1e-3), 1)
            self._found, self._asked = found, now
        return self._found


def _measure(pid: int) -> dict[str, float] | None:
    import psutil

    try:
        process = psutil.Process(pid)
        memory = process.memory_full_info()
        cpu = process.cpu_times()
        age = time.time() - process.create_time()
    except psutil.Error:
        return None
    return {
        "pid": pid,
        "memory_mb": round(getattr(memory, "pss", memory.rss) / 1e6, 1),
        "cpu_seconds": round(cpu.user + cpu.system, 2),
        "age_seconds": age,
    }
