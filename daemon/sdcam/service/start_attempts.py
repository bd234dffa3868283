"""When a fault ends a run in the foreground instead of being waited for."""

from __future__ import annotations

from collections import Counter

from sdcam.errors import ExitCode, SdcamError

# A part that fails so often before its first frame will not start working.
_MOST = 5


class StartAttempts:
    """What worked in this run is waited for. What never did ends the run: at once if only the user
    can fix it, else after a few attempts. An output is fatal when it was the last one.

    Args:
        patient: a service, whose exit code nobody reads: nothing is fatal.
    """

    def __init__(self, patient: bool) -> None:
        self._patient = patient
        self._worked: set[str] = set()
        self._failures: Counter[str] = Counter()

    def worked(self, part: str) -> None:
        self._worked.add(part)

    def failed(self, part: str) -> None:
        """Counts a failure; ask `last_words` after it."""
        if part not in self._worked:
            self._failures[part] += 1

    def last_words(self, part: str, fault: SdcamError, outputs_left: bool) -> SdcamError | None:
        """The fault that the run ends with; None to go on.

        Args:
            outputs_left: whether any output is open or can come back.
        """
        if self._patient:
            return None
        if part.startswith("output:"):
            return None if outputs_left else fault
        if part in self._worked:
            return None
        if fault.exit_code != ExitCode.FAULT:
            return fault
        if self._failures[part] < _MOST:
            return None
        return SdcamError(
            f"{fault.what} It failed {self._failures[part]} times before its first frame.",
            "The lines above say how; `sdcam doctor` examines this machine.",
        )
