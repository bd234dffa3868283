"""A program that uses a camera, in the standard library alone: it starts quickly in an emulator.

python -I -S vm_reader.py /dev/videoN stream|frames|read|open|SECONDS  (SECONDS: open for so long)

Says "opened NS", "first NS" (the first frame) by time.monotonic_ns(); with "frames" of each one
"frame NS WRITTEN", WRITTEN being when the driver was given it, by the same clock.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import sys
import time

_S_FMT, _REQBUFS, _QUERYBUF, _QBUF, _DQBUF, _STREAMON = (
    *(0xC0D05605, 0xC0145608, 0xC0585609, 0xC058560F, 0xC0585611, 0x40045612),
)
_CAPTURE, _MMAP = 1, 1


def _say(word: str, *more: int) -> None:
    print(word, time.monotonic_ns(), *more, flush=True)


def _buffer(index: int) -> bytearray:
    buffer = bytearray(88)
    struct.pack_into("=2I", buffer, 0, index, _CAPTURE)
    struct.pack_into("=I", buffer, 60, _MMAP)
    return buffer


def _stream(camera: int, every: bool) -> None:
    wanted = bytearray(20)
    struct.pack_into("=3I", wanted, 0, 2, _CAPTURE, _MMAP)
    fcntl.ioctl(camera, _REQBUFS, wanted)
    mapped = []
    for index in range(struct.unpack_from("=I", wanted)[0]):
        buffer = _buffer(index)
        fcntl.ioctl(camera, _QUERYBUF, buffer)
        offset, length = struct.unpack_from("=I4xI", buffer, 64)
        mapped.append(mmap.mmap(camera, length, offset=offset))
        fcntl.ioctl(camera, _QBUF, _buffer(index))
    fcntl.ioctl(camera, _STREAMON, struct.pack("=I", _CAPTURE))
    _say("streams")
    first = True
    while True:
        buffer = _buffer(0)
        fcntl.ioctl(camera, _DQBUF, buffer)
        if first or every:
            seconds, microseconds = struct.unpack_from("=2q", buffer, 24)
            _say("first" if first else "frame", (seconds * 10**6 + microseconds) * 1000)
            first = False
        fcntl.ioctl(camera, _QBUF, buffer)


def main(node: str, what: str) -> None:
    camera = os.open(node, os.O_RDWR)
    _say("opened")
    if what in ("stream", "frames"):
        _stream(camera, what == "frames")
    elif what == "read":
        os.read(camera, 1 << 24)
        _say("first")
        while True:
            os.read(camera, 1 << 24)
    time.sleep(3600 if what == "open" else float(what))
    os.close(camera)
    _say("closed")


if __name__ == "__main__":
    main(*sys.argv[1:])
