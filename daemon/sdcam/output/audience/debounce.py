"""From what is seen at single moments to whether somebody is watching. No clock of its own."""

from __future__ import annotations

from sdcam.output.audience.sighting import Patience, Sight


class Debounce:
    """Times are those of `time.monotonic_ns()`."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self.watched = False
        self._streaming_since: int | None = None
        self._open_since: int | None = None
        self._left_at: int | None = None
        self._seen = Sight.NOBODY

    def see(self, sight: Sight, now: int) -> None:
        self._seen = sight
        self._streaming_since = _since(self._streaming_since, sight is Sight.STREAMING, now)
        self._open_since = _since(self._open_since, sight is not Sight.NOBODY, now)
        if any(now >= due for due in self._dues()):
            self.watched = True
            self._left_at = None
        elif self.watched:
            # A short opening does not start this anew, or an app that asks every three seconds
            # would keep the camera on for good.
            self._left_at = self._left_at or now
            if sight is Sight.NOBODY and now >= self._gone_at(self._left_at):
                self.watched = False
                self._left_at = None

    @property
    def undecided(self) -> bool:
        """A program has the camera open, and it is too early to say what for."""
        return self._seen is not Sight.NOBODY and (not self.watched or self._left_at is not None)

    def due(self) -> int | None:
        """When to see again although nothing happens; None: not before something does."""
        if self.undecided:
            return min(self._dues())
        return None if self._left_at is None else self._gone_at(self._left_at)

    def _dues(self) -> list[int]:
        """When what is there now will have been there for long enough."""
        patience = self.patience
        return [
            since + round(seconds * 1e9)
            for since, seconds in (
                (self._streaming_since, patience.streaming_seconds),
                (self._open_since, patience.open_seconds),
            )
            if since is not None
        ]

    def _gone_at(self, left_at: int) -> int:
        return left_at + round(self.patience.left_seconds * 1e9)


def _since(before: int | None, there: bool, now: int) -> int | None:
    if not there:
        return None
    return now if before is None else before
