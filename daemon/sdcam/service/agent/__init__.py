"""The service as the system's own: installed, started at login, started again after a crash.

A LaunchAgent on macOS, a systemd user unit on Linux, behind one protocol.
"""

from __future__ import annotations

import sys

from sdcam.errors import UsageError
from sdcam.service.agent.service_agent import ServiceAgent, ServiceState

__all__ = ["ServiceAgent", "ServiceState", "service_agent"]


def service_agent(system: str = sys.platform) -> ServiceAgent:
    """The one of this system.

    Raises:
        UsageError: there is none.
    """
    if system == "darwin":
        from sdcam.service.agent.launchd import LaunchAgent

        return LaunchAgent()
    if system == "linux":
        from sdcam.service.agent.systemd import UserUnit

        return UserUnit()
    raise UsageError(
        f"On {system} there is no service to install: sdcam knows launchd (macOS) and systemd "
        "(Linux).",
        "`sdcam run` does the same in a terminal.",
    )
