"""Standard output belongs to the command: `sdcam run --json` prints one JSON document there.

coremltools prints a value that it cannot convert, Core ML's compiler prints as it likes, and
coremltools points file descriptor 1 at /dev/null while it compiles a package.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_OUT, _ERR = 1, 2


@contextmanager
def kept_standard_output() -> Iterator[None]:
    """What is printed within, by Python or by C, goes to standard error; afterwards standard
    output is what it was, whatever was done to it."""
    if sys.stdout is not None:  # as it is where a service is started without one
        sys.stdout.flush()
    try:
        kept = os.dup(_OUT)
    except OSError:
        with contextlib.redirect_stdout(sys.stderr):
            yield
        return
    try:
        with contextlib.suppress(OSError):
            os.dup2(_ERR, _OUT)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        ctypes.CDLL(None).fflush(None)  # what C has not written yet would come out at the end
        os.dup2(kept, _OUT)
        os.close(kept)
