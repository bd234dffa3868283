"""Slots of shared memory for frames, and who holds which.

All book-keeping is the daemon's own: a slot is either free or held by somebody, and whatever a
dead process held is taken back. Nothing in shared memory itself can be left locked.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sdcam.workers.shared_memory import SharedBlock

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class FrameSlots:
    """`count` slots of `slot_bytes` each; given to the processes that read and write them."""

    block: SharedBlock
    count: int
    slot_bytes: int

    @classmethod
    def allocate(cls, count: int, slot_bytes: int) -> FrameSlots:
        return cls(SharedBlock(count * slot_bytes), count, slot_bytes)

    def memory(self, slot: int) -> Pixels:
        """All bytes of a slot, (slot_bytes,)."""
        return self.block.bytes()[slot * self.slot_bytes : (slot + 1) * self.slot_bytes]

    def view(self, slot: int, shape: tuple[int, ...]) -> Pixels:
        """The first bytes of a slot as an array of `shape`."""
        size = math.prod(shape)
        if size > self.slot_bytes:
            raise ValueError(f"a frame of {shape} does not fit a slot of {self.slot_bytes} bytes")
        return self.memory(slot)[:size].reshape(shape)


class FramePool:
    """Hands out slots. Thread-safe; never waits."""

    def __init__(self, slots: FrameSlots) -> None:
        self.slots = slots
        self._free = list(range(slots.count))
        self._lock = threading.Lock()

    def take(self) -> int | None:
        """A free slot, or None when all are held."""
        with self._lock:
            return self._free.pop() if self._free else None

    def give_back(self, slot: int) -> None:
        with self._lock:
            if slot in self._free:
                raise ValueError(f"slot {slot} was given back twice")
            self._free.append(slot)

    @property
    def free(self) -> int:
        with self._lock:
            return len(self._free)
