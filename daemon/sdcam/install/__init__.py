"""Installs the service: it starts at login and again after a crash.

A LaunchAgent on macOS and a systemd user unit on Linux, behind one class.
"""

from __future__ import annotations

from sdcam.install.service_agent import ServiceAgent, ServiceState

__all__ = ["ServiceAgent", "ServiceState", "service_agent"]


def service_agent(system: str) -> ServiceAgent:
    """
    Args:
        system: "darwin" or "linux", as `sys.platform` has it.
    """
    if system == "darwin":
        from sdcam.install.launchd import LaunchAgent

        return LaunchAgent()
    from sdcam.install.systemd import UserUnit

    return UserUnit()
