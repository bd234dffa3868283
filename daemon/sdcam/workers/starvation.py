"""Whether a process that does not answer waits for a processor: then it needs time, not an end.

On a machine that has more to do than it can, a model that paints on the CPU may stand still for a
second through no fault of its own; to load it anew would make that worse.
"""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_HELD_UP = "RD"  # would run if it were let, waits for the disk (for its own pages, as a rule)
_SHARE = 0.5  # of a processor; one that has had so much is not starved, it goes round in circles


class Starvation:
    """Of a process that is looked at while it does not answer. Only Linux tells; elsewhere nobody
    counts as starved."""

    def __init__(self) -> None:
        self._pid = 0
        self._used = 0.0

    def lasts(self, pid: int, seconds: float) -> bool:
        """Whether it is held up by others.

        Args:
            seconds: since the last look.
        """
        states, used = _threads(pid)
        had = used - self._used if pid == self._pid else 0.0
        self._pid, self._used = pid, used
        return any(state in _HELD_UP for state in states) and had < _SHARE * seconds

    def ends(self) -> None:
        """It has answered."""
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
