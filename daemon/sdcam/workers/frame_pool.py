"""Shared memory for frames, and the slots that it is divided into.

The memory loses its name before it is used, so the kernel frees it with the last process that has
it open, even after `kill -9` of all of them. Spawned processes receive it by file descriptor, as an
argument of `Process`. All bookkeeping is the daemon's own: nothing in shared memory can stay locked
when a process dies.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import os
import secrets
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sdcam.arrays import Pixels


class SharedBlock:
    """`size` bytes of zeros, shared with the spawned processes that receive this object."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._fd = _nameless(size)
        self._map: mmap.mmap | None = mmap.mmap(self._fd, size)

    def bytes(self) -> NDArray[np.uint8]:
        """The whole block, (size,), writable."""
        assert self._map is not None, "the block is closed"
        return np.frombuffer(self._map, np.uint8)

    def hand_over(self, pipe: Connection, pid: int) -> None:
        """Gives the block to a process that runs already; `receive` takes it there."""
        pipe.send(self.size)
        reduction.send_handle(pipe, self._fd, pid)

    @classmethod
    def receive(cls, pipe: Connection) -> SharedBlock:
        size: int = pipe.recv()
        return _of_descriptor(size, reduction.recv_handle(pipe))

    def close(self) -> None:
        """Gives back the descriptors and the memory. Arrays over it keep the memory alive."""
        if self._map is None:
            return
        os.close(self._fd)
        block, self._map = self._map, None
        with contextlib.suppress(BufferError):  # freed with the last array instead
            block.close()

    def __reduce__(self) -> tuple[Callable[[int, Any], SharedBlock], tuple[int, Any]]:
        return _rebuild, (self.size, reduction.DupFd(self._fd))


def _rebuild(size: int, handle: Any) -> SharedBlock:
    return _of_descriptor(size, handle.detach())


def _of_descriptor(size: int, descriptor: int) -> SharedBlock:
    block = SharedBlock.__new__(SharedBlock)
    block.size = size
    block._fd = descriptor
    block._map = mmap.mmap(block._fd, size)
    return block


def _nameless(size: int) -> int:
    if sys.platform == "linux":
        fd = os.memfd_create("sdcam", os.MFD_CLOEXEC)
    else:
        import _posixshmem  # what multiprocessing.shared_memory itself is built on

        name = f"/sdcam-{secrets.token_hex(6)}"  # macOS allows 31 characters
        fd = _posixshmem.shm_open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode=0o600)
        _posixshmem.shm_unlink(name)
    os.ftruncate(fd, size)
    return fd


@dataclass(frozen=True)
class FrameSlots:
    """`count` slots of `slot_bytes` each, for the processes that read and write them."""

    block: SharedBlock
    count: int
    slot_bytes: int

    @classmethod
    def allocate(cls, count: int, slot_bytes: int) -> FrameSlots:
        return cls(SharedBlock(count * slot_bytes), count, slot_bytes)

    def hand_over(self, pipe: Connection, pid: int) -> None:
        """As `SharedBlock.hand_over`."""
        pipe.send((self.count, self.slot_bytes))
        self.block.hand_over(pipe, pid)

    @classmethod
    def receive(cls, pipe: Connection) -> FrameSlots:
        count, slot_bytes = pipe.recv()
        return cls(SharedBlock.receive(pipe), count, slot_bytes)

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
    """Hands out slots. Thread-safe, never waits. A context manager that frees the memory.

    Args:
        count, slot_bytes: of the slots that it allocates.
    """

    def __init__(self, count: int, slot_bytes: int) -> None:
        self.slots = FrameSlots.allocate(count, slot_bytes)
        self._free = list(range(count))
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

    def close(self) -> None:
        self.slots.block.close()

    def __enter__(self) -> FramePool:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
