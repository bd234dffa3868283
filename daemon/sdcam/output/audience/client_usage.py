"""The event with which newer v4l2loopback (0.13.2, 0.14, 0.15) says that its camera is streamed.

Older drivers refuse the subscription with EINVAL.
"""

from __future__ import annotations

import os

from sdcam.platforms import v4l2
from sdcam.platforms.loopback import CLIENT_USAGE


class ClientUsage:
    """Subscribed as long as it is open; writer and readers do not notice."""

    def __init__(self, node: str) -> None:
        """Raises OSError: the driver has no such event, or the node cannot be opened."""
        self.streaming = False
        self.descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            v4l2.subscribe(self.descriptor, CLIENT_USAGE)
        except OSError:
            self.close()
            raise

    def update(self) -> bool:
        """Reads what the driver has said since; returns whether an app takes pictures now.

        Raises:
            OSError: the device is gone.
        """
        for kind, clients in v4l2.events(self.descriptor):
            if kind == CLIENT_USAGE:
                self.streaming = clients > 0
        return self.streaming

    def close(self) -> None:
        os.close(self.descriptor)
