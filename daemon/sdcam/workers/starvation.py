"""Tells a starved process from a hung one: a starved one needs time, not a restart.

On an overloaded machine a model on the CPU may stand still for a second because other programs run.
Loading it again would make the overload worse.
"""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_HELD_UP = "RD"  # thread states: runnable, and blocked on the disk (usually for its own pages)
_SHARE = 0.5  # of a core; a process that got as much is not starved, but loops


class Starvation:
    """Watches one process while it does not answer. Only Linux tells; on other systems no process
    counts as starved."""

    def __init__(self) -> None:
        self._pid = 0
        self._used = 0.0

    def lasts(self, pid: int, seconds: float) -> bool:
        """Whether other programs keep the process from running.

        Args:
            seconds: since the last call.
        """
        states, used = _threads(pid)
        had = used - self._used if pid == self._pid else 0.0
        self._pid, self._used = pid, used
        return any(state in _HELD_UP for state in states) and had < _SHARE * seconds

    def ends(self) -> None:
        """The process has answered."""
        self._pid = 0


def _threads(pid: int) -> tuple[list[str], float]:
    """State of each thread, and the processor seconds of all (proc(5), stat)."""
    states, ticks = [], 0
    for file in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            fields = file.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # ended a moment ago
            continue
        states.append(fields[0])
        ticks += int(fields[11]) + int(fields[12])
    return states, ticks / _TICKS
