"""When a part that failed is started again: one policy for every process of the service."""

from __future__ import annotations

import time
from collections.abc import Callable

from sdcam.errors import MissingError, SdcamError, UsageError

# systemd's StartLimit has the same idea: one good frame does not end a crash loop.
STABLE_SECONDS = 10.0
_FIRST_DELAY = 0.1
_LONGEST_DELAY = 15.0
# Only the user, a new device or a new file can help, and each of them retries at once.
_FIRST_DELAY_PERMANENT = 2.0
_LONGEST_DELAY_PERMANENT = 60.0


class RestartPolicy:
    """Doubles the delay from one failure to the next. For one thread, except `retry_now`.

    Attributes:
        failures: in a row, without `STABLE_SECONDS` of good work between them.

    Args:
        clock: monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.failures = 0
        self._clock = clock
        self._not_before = 0.0
        self._works_since: float | None = None

    @property
    def seconds_left(self) -> float:
        """Until the next start; 0 when it is due."""
        return max(0.0, self._not_before - self._clock())

    @property
    def is_stable(self) -> bool:
        """Whether the part has worked long enough for earlier failures to be forgotten."""
        since = self._works_since
        return since is not None and self._clock() - since >= STABLE_SECONDS

    def works(self) -> None:
        """Call for every good result."""
        if self._works_since is None:
            self._works_since = self._clock()
        if self.failures and self.is_stable:
            self.failures = 0

    def failed(self, fault: SdcamError) -> None:
        if self.is_stable:
            self.failures = 0
        self.failures += 1
        self._works_since = None
        permanent = isinstance(fault, (MissingError, UsageError))
        first = _FIRST_DELAY_PERMANENT if permanent else _FIRST_DELAY
        longest = _LONGEST_DELAY_PERMANENT if permanent else _LONGEST_DELAY
        self.delay(min(first * 2 ** min(self.failures - 1, 16), longest))

    def delay(self, seconds: float) -> None:
        self._not_before = self._clock() + seconds

    def retry_now(self) -> None:
        """Something relevant changed. The failures still count. For any thread."""
        self._not_before = 0.0

    def forget(self) -> None:
        """Something else is started: its failures are its own."""
        self.failures = 0
        self._works_since = None
        self._not_before = 0.0
