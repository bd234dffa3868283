"""The service as the system's own: installed, started at login, started again after a crash.

A LaunchAgent on macOS, a systemd user unit on Linux, behind one protocol.
"""

from __future__ import annotations

from sdcam.install.service_agent import ServiceAgent, ServiceState

__all__ = ["ServiceAgent", "ServiceState", "service_agent"]


def service_agent(system: str) -> ServiceAgent:
    """The one of "darwin" or "linux" (`sys.platform`)."""
    if system == "darwin":
        from sdcam.install.launchd import LaunchAgent

        return LaunchAgent()
    from sdcam.install.systemd import UserUnit

    return UserUnit()
