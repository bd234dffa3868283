"""Starts the model process before the daemon's own imports, which take as long as its own.

This module and `workers.child` import nothing heavy, so that `sdcam run` can call it first.
"""

from __future__ import annotations

from sdcam.errors import SdcamError
from sdcam.workers.child import Child


def prestart_model() -> Child | None:
    """A model process without a task; the run that gets it also ends it. None if the system cannot
    start one now: the run tries again, and reports why."""
    try:
        return Child("model", "sdcam.workers.stage_process:prestarted_main")
    except SdcamError:
        return None
