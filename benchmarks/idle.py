"""What the service costs while nobody watches, and how soon a watcher gets a styled frame.

The real service with `output.on_demand`; only the audience is played (SIGUSR1 comes, SIGUSR2 goes)
and the virtual camera is nothing. Goals: CPU of all processes together under 1 %, the first styled
frame within 1 s of a watcher. A real camera adds what it needs to wake up.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable

import numpy as np
import psutil

from benchmarks.service import running


class PlayedAudience:
    """In place of `ViewerWatcher`."""

    watchers: tuple[str, ...] | None = ()

    def __init__(self, device: str, on_change: Callable[[bool], None], own_pids: object) -> None:
        self.watched = False
        self._on_change = on_change

    def start(self) -> None:
        signal.signal(signal.SIGUSR1, lambda *_: self._change(True))
        signal.signal(signal.SIGUSR2, lambda *_: self._change(False))

    def stop(self) -> None:
        pass

    def _change(self, watched: bool) -> None:
        self.watched = watched
        self._on_change(watched)


def serve(words: list[str]) -> int:
    """`sdcam run` with the audience played and the virtual camera nothing."""
    from sdcam.cli import main as sdcam
    from sdcam.output import Null
    from sdcam.service import activity
    from sdcam.workers import reconnecting_sink
    from sdcam.workers.sink_process import LocalSink

    setattr(activity, "ViewerWatcher", PlayedAudience)  # noqa: B010
    setattr(  # noqa: B010
        reconnecting_sink, "SinkProcess", lambda spec, output, *_: LocalSink(Null(output))
    )
    return sdcam(["run", *words])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="of nobody watching")
    parser.add_argument("--times", type=int, default=7, help="that somebody comes")
    parser.add_argument("--engine", default="auto")
    options = parser.parse_args()
    words: tuple[str, ...] = ("--source", "test", "--model", "pocket")
    words += ("--engine", options.engine)
    words += ("--output", "virtual-camera", "--set", "output.on_demand=true")
    with running(*words, program=("-m", "benchmarks.idle", "serve")) as service:
        pid = service.process.pid
        service.until(lambda s: s["state"] == "idle" and s["model"]["runtime"])
        waits = []
        for _ in range(options.times):
            time.sleep(2.0)
            begun = time.monotonic()
            os.kill(pid, signal.SIGUSR1)
            service.until(lambda s: s["card"] == "" and s["state"] == "running", poll=0.002)
            waits.append(time.monotonic() - begun)
            os.kill(pid, signal.SIGUSR2)
            service.until(lambda s: s["state"] == "idle")
        time.sleep(2.0)
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        before, begun = _cpu_seconds(family), time.monotonic()
        time.sleep(options.seconds)
        spent, seconds = _cpu_seconds(family) - before, time.monotonic() - begun
    p50, most = np.percentile(waits, (50, 100))
    print(f"nobody watches   {100 * spent / seconds:.2f} % of a core, {len(family)} processes")
    print(f"a watcher comes  styled after p50 {p50:.2f} s, max {most:.2f} s ({len(waits)} times)")


def _cpu_seconds(family: list[psutil.Process]) -> float:
    return float(sum(sum(process.cpu_times()[:2]) for process in family))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        raise SystemExit(serve(sys.argv[2:]))
    main()
