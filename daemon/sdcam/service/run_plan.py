"""What a run of the service consists of."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from sdcam.service.configuration import Configuration
from sdcam.service.notify import Notifier
from sdcam.workers.child import Child


@dataclass(frozen=True)
class RunPlan:
    """What to run, and for how long.

    Attributes:
        configuration: its file is watched.
        once: a file source ends the run at its end.
        seconds: to run, from the first picture on.
        frames: that every output gets, from the first picture on.
        control: listen on the control socket, and be the only service there.
        patient: nobody reads an exit code, so what is missing is waited for.
        model_process: started early (`workers.prestart`); the run uses and ends it.
        notifier: the service manager, if there is one.
    """

    configuration: Configuration
    source: str = "camera"
    outputs: tuple[str, ...] = ("virtual-camera",)
    once: bool = False
    seconds: float | None = None
    frames: int | None = None
    control: bool = True
    patient: bool = False
    model_process: Child | None = None
    notifier: Notifier = field(default_factory=Notifier)
    started_ns: int = field(default_factory=time.monotonic_ns)
