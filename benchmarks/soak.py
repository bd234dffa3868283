"""The service at full speed for an hour: memory, descriptors and processes have to stay flat.

The test pattern is the camera. Every process of the service is looked at, not only their sum: a
leak in one hides behind the others. The memory of the frames, of one size from the start on, is
looked at apart.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from benchmarks.service import running

_SETTLING = 0.25  # share of the run that does not count: caches fill
_MB_AN_HOUR = 8.0
_MOST_ELSE = 0  # descriptors, threads, processes more at the end than when it had settled


@dataclass(frozen=True)
class Sample:
    minute: float
    memory_mb: float
    descriptors: int
    threads: int
    shared_mb: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=10.0, metavar="SECONDS")
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--engine", default="auto")
    options = parser.parse_args()
    words = ("--source", "test", "--output", "null", "--model", options.model)
    samples: dict[str, list[Sample]] = defaultdict(list)
    children: list[int] = []
    with running(*words, "--engine", options.engine) as service:
        service.until(lambda s: s["first_picture_after_seconds"] is not None)
        start = time.monotonic()
        while (seconds := time.monotonic() - start) < 60 * options.minutes:
            status = service.status()
            for name, process in status["processes"].items():
                samples[name].append(_look(seconds / 60, int(process["pid"])))
            family = psutil.Process(service.process.pid).children(recursive=True)
            children.append(len(family))
            time.sleep(options.every)
        status = service.status()
    frames = status["frames"]
    print(f"model       {status['model']['name']} on {status['model']['runtime']}, "
          f"{status['model']['size']}")  # fmt: skip
    print(f"frames      captured {frames['captured']}, styled {frames['styled']}, skipped "
          f"{frames['skipped']}, dropped {frames['dropped']}, sent {frames['sent']}, late "
          f"{frames['late']}")  # fmt: skip
    print(f"restarts    {status['restarts']}, processes {min(children)} to {max(children)}")
    print(f"{'process':10} {'memory MB':>24} {'MB an hour':>11} {'descriptors':>12} {'threads':>9}"
          f" {'shared MB':>12}   first .. last")  # fmt: skip
    flat = [_report(name, looks) for name, looks in samples.items()]
    flat.append(len(set(children)) == 1)
    print("FLAT" if all(flat) else "NOT FLAT")
    return 0 if all(flat) else 1


def _look(minute: float, pid: int) -> Sample:
    process = psutil.Process(pid)
    memory, shared = memory_mb(process)
    return Sample(minute, memory, process.num_fds(), process.num_threads(), shared)


def memory_mb(process: psutil.Process) -> tuple[float, float]:
    """Megabytes that the process allocated itself, and that it touched of the frames' memory.

    Pages of files that it maps (libraries, weights) do not count: the system evicts and reloads
    them as it likes. Swapped pages do.
    """
    try:
        text = Path(f"/proc/{process.pid}/smaps").read_text(encoding="utf-8")
    except OSError:  # not Linux
        return process.memory_full_info().uss / 1e6, 0.0
    frames, own, shared = False, 0, 0
    for line in text.splitlines():
        if "-" in line.split(" ", 1)[0]:
            frames = "memfd:sdcam" in line
        elif frames and line.startswith("Rss:"):
            shared += int(line.split()[1])
        elif not frames and line.startswith(("Anonymous:", "Swap:")):
            own += int(line.split()[1])
    return own * 1024 / 1e6, shared * 1024 / 1e6


def _report(name: str, looks: list[Sample]) -> bool:
    settled = looks[int(len(looks) * _SETTLING) :]
    hours = np.array([look.minute for look in settled]) / 60
    memory = np.array([look.memory_mb for look in settled])
    slope = float(np.polyfit(hours, memory, 1)[0]) if len(settled) > 8 else 0.0
    first, last = settled[0], settled[-1]
    print(f"{name:10} {first.memory_mb:8.1f} .. {last.memory_mb:8.1f} .. {memory.max():5.1f} "
          f"{slope:+11.2f} {first.descriptors:5} .. {last.descriptors:4} "
          f"{first.threads:3} .. {last.threads:3} {first.shared_mb:5.1f} .. "
          f"{last.shared_mb:5.1f}")  # fmt: skip
    return (
        slope <= _MB_AN_HOUR
        and last.descriptors - first.descriptors <= _MOST_ELSE
        and last.threads - first.threads <= _MOST_ELSE
    )


if __name__ == "__main__":
    raise SystemExit(main())
