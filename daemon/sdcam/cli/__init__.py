"""The command line. `sdcam.cli.program` has the commands; this file loads nothing before Ctrl-C is
in order."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

STARTED_NS = time.monotonic_ns()
_INTERRUPTED = 130  # 128 + SIGINT, as shells count


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code. The last line on stderr says what to do.

    Args:
        words: instead of the process's own, for tests.

    Ctrl-C ends the process by the signal itself, without a traceback, in the middle of an import as
    well. A command that has something to clean up says so with `terminal.interruptible`; the
    running service has handlers of its own.
    """
    try:
        if words is None:
            # Not `signal`, which takes milliseconds to load: Ctrl-C during them has a traceback.
            import _signal as signal  # type: ignore[import-not-found]

            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not ignored (nohup)
                signal.signal(signal.SIGINT, signal.SIG_DFL)
        from sdcam.cli.program import run_command

        return run_command(words)
    except KeyboardInterrupt:
        return _INTERRUPTED
