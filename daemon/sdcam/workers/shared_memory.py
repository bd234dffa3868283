"""Memory that several processes see and that cannot leak.

The block loses its name before it is used, so the kernel frees it with the last process that has
it open, however that process ends, `kill -9` of all of them included. Children get it by file
descriptor when they are spawned, as an argument of `Process`.
"""

from __future__ import annotations

import mmap
import os
import secrets
import sys
from collections.abc import Callable
from multiprocessing import reduction
from typing import Any

import numpy as np
from numpy.typing import NDArray


class SharedBlock:
    """`size` bytes of zeros, shared with spawned processes that are given this object."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._fd = _nameless(size)
        self._map = mmap.mmap(self._fd, size)

    def bytes(self) -> NDArray[np.uint8]:
        """The whole block, (size,), writable."""
        return np.frombuffer(self._map, np.uint8)

    def close(self) -> None:
        """Gives back the descriptor; the memory itself goes with the last array onto it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __reduce__(self) -> tuple[Callable[[int, Any], SharedBlock], tuple[int, Any]]:
        return _rebuild, (self.size, reduction.DupFd(self._fd))


def _rebuild(size: int, handle: Any) -> SharedBlock:
    block = SharedBlock.__new__(SharedBlock)
    block.size = size
    block._fd = handle.detach()
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
