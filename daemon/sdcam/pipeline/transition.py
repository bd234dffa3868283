"""One prompt melts into the next: linear interpolation of prompt embeddings over time."""

from __future__ import annotations

import numpy as np

from sdcam.arrays import Float


class PromptTransition:
    """The prompt embedding in force at a time. A new target starts from whatever is in force."""

    def __init__(self, embeds: Float) -> None:
        self._from: Float = embeds.copy()
        self._to: Float = embeds.copy()
        self._now: Float = embeds.copy()
        self._start_ns = 0
        self._length_ns = 0

    def aim(self, embeds: Float, seconds: float, now_ns: int) -> None:
        """Begins to move to `embeds` (1, 77, C)."""
        np.copyto(self._from, self.at(now_ns))
        np.copyto(self._to, embeds)
        self._start_ns = now_ns
        self._length_ns = round(seconds * 1e9)

    def moving(self, now_ns: int) -> bool:
        return now_ns - self._start_ns < self._length_ns

    def at(self, now_ns: int) -> Float:
        """The embedding in force, valid until the next call."""
        if not self.moving(now_ns):
            return self._to
        share = np.float32((now_ns - self._start_ns) / self._length_ns)
        np.subtract(self._to, self._from, out=self._now)
        self._now *= share
        self._now += self._from
        return self._now
