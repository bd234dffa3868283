"""The event with which newer v4l2loopback (0.13.2, 0.14, 0.15) says that its camera is streamed.

Header: v4l2loopback.h and linux/videodev2.h. Older drivers refuse the subscription with EINVAL.
"""

from __future__ import annotations

import errno
import os
import struct
import sys

if sys.platform != "win32":
    import fcntl

# V4L2_EVENT_PRIVATE_START + V4L2LOOPBACK_EVENT_OFFSET + 1
CLIENT_USAGE = 0x08000000 + 0x08E00000 + 1
_SEND_INITIAL = 1
_SUBSCRIBE_EVENT = 0x4020565A  # _IOW('V', 90, struct v4l2_event_subscription)
_DEQUEUE_EVENT = 0x80885659  # _IOR('V', 89, struct v4l2_event), on 64 bits

_SUBSCRIPTION = struct.Struct("=3I5I")  # type, id, flags, reserved
# type, (alignment), the union's first number (its 64 bytes follow), pending; 136 bytes in all
_EVENT = struct.Struct("=I4xI60xI60x")


class ClientUsage:
    """Subscribed as long as it is open; writer and readers notice nothing of it."""

    def __init__(self, node: str) -> None:
        """Raises OSError: the driver has no such event, or the node cannot be opened."""
        self.streaming = False
        self.descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            # The event of the moment comes at once: who was there before us is not missed.
            wanted = _SUBSCRIPTION.pack(CLIENT_USAGE, 0, _SEND_INITIAL, *[0] * 5)
            fcntl.ioctl(self.descriptor, _SUBSCRIBE_EVENT, wanted)
        except OSError:
            self.close()
            raise

    def update(self) -> bool:
        """Takes what the driver has said since; returns whether somebody takes pictures now.

        Raises:
            OSError: the device is gone.
        """
        pending = True
        while pending:
            event = bytearray(_EVENT.size)
            try:
                fcntl.ioctl(self.descriptor, _DEQUEUE_EVENT, event)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EAGAIN):  # nothing (more) was said
                    break
                raise
            kind, count, pending = parse_event(event)
            if kind == CLIENT_USAGE:
                self.streaming = count > 0
        return self.streaming

    def close(self) -> None:
        os.close(self.descriptor)


def parse_event(event: bytes | bytearray) -> tuple[int, int, bool]:
    """struct v4l2_event: its type, its first number, whether more wait."""
    kind, number, pending = _EVENT.unpack(event)
    return kind, number, pending > 0
