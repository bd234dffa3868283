"""The life of the service: startup, main loop, shutdown."""

from sdcam.service.daemon import Daemon, RunPlan

__all__ = ["Daemon", "RunPlan"]
